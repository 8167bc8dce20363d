import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setupOwnerAnswer } from "@feedback-chat/protocol/account";
import { createdKey } from "@feedback-chat/protocol/project";
import { claimAnswer, registerAnswer } from "@feedback-chat/protocol/worker";
import { afterAll, expect, it } from "vitest";
import { call, owner } from "../support/call-server.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";

const folders: string[] = [];
const running: ServerProcess[] = [];
afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "fc-start-"));
  folders.push(folder);
  return folder;
}
function start(env: Record<string, string>, wrapper?: string[]): ServerProcess {
  const server = startServerProcess(env, wrapper);
  running.push(server);
  return server;
}
/** The one line for machines, beside the sentence for people. */
async function failure(server: ServerProcess) {
  const { code, said } = await server.ended;
  const failed = server.events.find(({ event }) => event === "server.failed");
  return { code, said, problem: (failed?.["problem"] as { code?: string } | undefined)?.code };
}

it("starts on an empty folder, tells the owner's code once, and keeps everything over a stop", async () => {
  const dataFolder = newFolder();
  const first = start({ DATA_DIR: dataFolder });
  const { url } = (await first.event("server.listening")) as { url: string };
  expect((await first.event("database.embedded"))["note"]).toContain("power cut");
  const { code } = await first.event("owner.code");
  expect(readFileSync(join(dataFolder, "owner-code"), "utf8")).toBe(`${String(code)}\n`);
  for (const file of ["owner-code", "master-key", "lock"])
    expect((statSync(join(dataFolder, file)).mode & 0o777).toString(8), file).toBe("600");
  const set = await call({ url }, "POST", "/api/setup/owner", {
    body: { ...owner, code, wantsCliToken: true },
  });
  const { cliToken: token, workspaceId } = setupOwnerAnswer.parse(set.body);
  expect(() => statSync(join(dataFolder, "owner-code"))).toThrow("ENOENT");
  const keys = `/v1/workspaces/${workspaceId}/worker-keys`;
  const worker = createdKey.parse((await call({ url }, "POST", keys, { token, body: { name: "w" } })).body);
  const registered = await call({ url }, "POST", "/v1/workers", {
    token: worker.key,
    body: { name: "w", version: "0.1.0", capabilities: { engines: ["claude-code"], sandbox: "bubblewrap" }, publicKey: Buffer.alloc(32, 9).toString("base64url") },
  }); // prettier-ignore
  const { workerId } = registerAnswer.parse(registered.body);

  // A worker asks and waits; the server is stopped: the worker gets its answer, not a broken line.
  const claim = { workerId, claimId: "0190a000-0000-7000-8000-000000000001", waitS: 50 };
  const polling = call({ url }, "POST", "/v1/jobs/claim", { token: worker.key, body: claim });
  await call({ url }, "GET", "/v1/me", { token }); // sent after the poll, so the poll is there
  first.child.kill("SIGTERM");
  expect(claimAnswer.parse((await polling).body)).toMatchObject({ lease: null });
  expect((await first.ended).code).toBe(0);

  const second = start({ DATA_DIR: dataFolder });
  const again = (await second.event("server.listening")) as { url: string };
  expect((await call(again, "GET", "/v1/me", { token })).status).toBe(200);
  expect(second.events.some(({ event }) => event === "owner.code")).toBe(false);
  // A start on what is there already has nothing to warn of.
  expect(second.events.filter(({ level }) => level !== "info")).toEqual([]);

  // The folder has one master.
  const third = await failure(start({ DATA_DIR: dataFolder }));
  expect(third).toMatchObject({ code: 6, problem: "data_locked" });
  expect(third.said).toContain(String(second.child.pid));

  // Killed, not stopped: nothing has to be cleaned up.
  second.child.kill("SIGKILL");
  await second.ended;
  const fourth = start({ DATA_DIR: dataFolder });
  const after = (await fourth.event("server.listening")) as { url: string };
  expect((await call(after, "GET", "/v1/me", { token })).status).toBe(200);
}, 120_000);

it("says that the port is in use, and ends with 6", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  await once(holder, "listening");
  const { port } = holder.address() as { port: number };
  const failed = await failure(start({ DATA_DIR: newFolder(), PORT: String(port) }));
  holder.close();
  expect(failed).toMatchObject({ code: 6, problem: "port_in_use" });
  expect(failed.said).toContain(String(port));
});

it("says that the database is away, and ends with 7, without its password", async () => {
  const url = "postgres://me:hunter2@127.0.0.1:9/db";
  const failed = await failure(start({ DATABASE_URL: url, DATA_DIR: newFolder() }));
  expect(failed).toMatchObject({ code: 7, problem: "unavailable" });
  expect(failed.said).toContain("127.0.0.1:9");
  expect(failed.said).not.toContain("hunter2");
});

it("names the variable that is wrong, and ends with 2", async () => {
  const failed = await failure(start({ PORT: "a lot" }));
  expect(failed).toMatchObject({ code: 2, problem: "usage" });
  expect(failed.said).toContain("PORT");
  const figures = await failure(start({ DATA_DIR: newFolder(), FEEDBACK_CHAT_FIGURES: "{lease" }));
  expect(figures).toMatchObject({ code: 2, problem: "usage", said: expect.stringContaining("FIGURES") as string });
  const below = await failure(start({ DATA_DIR: newFolder(), PUBLIC_URL: "https://example.com/feedback" }));
  expect(below).toMatchObject({ code: 2, problem: "usage", said: expect.stringContaining("PUBLIC_URL") as string });
});

it("does not serve from memory, where everything would be gone with it: it asks for a database, and ends with 2", async () => {
  const failed = await failure(start({ MASTER_KEY: randomBytes(32).toString("base64") }));
  expect(failed).toMatchObject({ code: 2, problem: "usage" });
  expect(failed.said).toMatch(/DATABASE_URL[\s\S]+DATA_DIR/);
});

it("says that the disk is full, ends with 1, and starts in the same folder once there is room", async () => {
  // A disk of its own, in a namespace of its own: filled, then freed.
  const disk = [
    "bwrap",
    "--bind",
    "/",
    "/",
    "--dev",
    "/dev",
    "--proc",
    "/proc",
    "--size",
    "90000000",
    "--tmpfs",
    "/mnt",
  ];
  const script = `head -c 56000000 /dev/zero > /mnt/ballast; "$@"; echo "{\\"event\\":\\"first.ended\\",\\"code\\":$?}"; rm /mnt/ballast; exec "$@"`;
  const server = start({ DATA_DIR: "/mnt/data" }, [...disk, "--die-with-parent", "sh", "-c", script, "sh"]);
  expect(await server.event("first.ended")).toMatchObject({ code: 1 });
  expect(server.events.find(({ event }) => event === "server.failed")?.["problem"]).toMatchObject({
    code: "disk_full",
  });
  const { url } = (await server.event("server.listening")) as { url: string };
  expect((await call({ url }, "GET", "/api/healthz")).status).toBe(200);
}, 120_000);
