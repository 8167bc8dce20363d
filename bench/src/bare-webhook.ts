/** The least that could keep a delivery: a bare Hono route that inserts one row in one transaction. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import pg from "pg";

const pool = new pg.Pool({ connectionString: process.argv[2], max: 20 });
await pool.query("create table if not exists bench_deliveries (guid text primary key, body bytea not null)");

const app = new Hono();
app.post("/webhook", async (c) => {
  const body = Buffer.from(await c.req.arrayBuffer());
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query({
      name: "keep",
      text: "insert into bench_deliveries (guid, body) values ($1, $2)",
      values: [c.req.header("x-github-delivery"), body],
    });
    await client.query("commit");
  } finally {
    client.release();
  }
  return c.json({ status: "queued" }, 202);
});
serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) =>
  console.log(JSON.stringify({ event: "listening", url: `http://127.0.0.1:${port}/webhook` })),
);
