import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../scripts/postgres.ts";

/** So few that clients share them all the time. */
const connections = 4;

/**
 * A PgBouncer in front of the database: each transaction gets any of a few connections, and what a client sets for
 * its session is lost or another client's.
 */
export async function startPooler(databaseUrl: string): Promise<AsyncDisposable & { url: string }> {
  const { hostname, port, username, pathname } = new URL(databaseUrl);
  const folder = mkdtempSync(join(tmpdir(), "fc-pooler-"));
  chmodSync(folder, 0o755);
  const own = await freePort();
  const settings = join(folder, "pgbouncer.ini");
  const lines = [
    "[databases]",
    `* = host=${hostname} port=${port} user=${username}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${own}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    `default_pool_size = ${connections}`,
  ];
  writeFileSync(settings, `${lines.join("\n")}\n`);
  // It refuses to be root, and lets go of it by itself.
  const args = [...(process.getuid?.() === 0 ? ["-u", "nobody"] : []), settings];
  const env = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` };
  const child = spawn("pgbouncer", args, { stdio: ["ignore", "ignore", "pipe"], env });
  let said = "";
  const { promise: isUp, resolve, reject } = Promise.withResolvers<void>();
  child.once("error", reject);
  const ended = once(child, "exit");
  void ended.then(([code]) => reject(new Error(`PgBouncer ended with ${code}: ${said}`)));
  child.stderr.on("data", (chunk: Buffer) => {
    said += chunk.toString();
    if (said.includes("process up")) resolve();
  });
  await isUp;
  return {
    url: `postgres://${username}@127.0.0.1:${own}${pathname}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
