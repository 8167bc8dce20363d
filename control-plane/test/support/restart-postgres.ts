import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { postgresBinaries, startPostgres } from "../../../scripts/postgres.ts";

/** A cluster of its own that a test may stop and restart; `restart` starts a stopped one too. */
export async function openRestartablePostgres(): Promise<
  AsyncDisposable & { url: string; restart(): void; stop(): void }
> {
  const first = await startPostgres();
  const client = new pg.Client({ connectionString: first.url });
  await client.connect();
  const { rows } = await client.query<{ data_directory: string }>("show data_directory");
  await client.end();
  const folder = rows[0]?.data_directory ?? "";
  const { uid, gid } = statSync(folder);
  // With the arguments of the first start, which the server keeps in its folder.
  const control = (...command: string[]) =>
    execFileSync(join(postgresBinaries() ?? "", "pg_ctl"), ["-D", folder, "-m", "fast", "-w", ...command], {
      uid,
      gid,
      cwd: folder,
      stdio: "ignore",
    });
  let isOurs = false;
  return {
    url: first.url,
    restart() {
      control("restart");
      isOurs = true;
    },
    stop() {
      control("stop");
      isOurs = false;
    },
    async [Symbol.asyncDispose]() {
      if (isOurs) control("stop");
      await first[Symbol.asyncDispose]();
    },
  };
}
