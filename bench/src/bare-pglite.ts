/** The embedded database alone, opened in a folder and asked once. */
import { PGlite } from "@electric-sql/pglite";

const lite = await PGlite.create(process.argv[2] ?? "memory://");
await lite.query("select 1");
console.log(JSON.stringify({ event: "open" }));
// Nothing else keeps the process.
setInterval(() => {}, 60_000);
