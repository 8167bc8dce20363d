import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { sandboxCheck } from "@feedback-chat/protocol/check";
import { describe, expect, inject, it } from "vitest";
import { startProgram } from "../../src/start-program.ts";
import { waitUntil } from "../../src/wait-until.ts";
import { type Weakness, weakBwrap } from "./sandbox-plants.ts";

const dataFolder = inject("dataFolder");
const cli = fileURLToPath(new URL("../../../../cli/src/bin.ts", import.meta.url));
const settings = (more: Record<string, string>) => ({
  PATH: process.env["PATH"] ?? "",
  HOME: "/nonexistent",
  CI: "1",
  FEEDBACK_CHAT_DATA: dataFolder,
  FEEDBACK_CHAT_ENGINE_COMMAND: '["true"]',
  ...more,
});

/** A control plane that knows every worker and has no job for any; what was asked of it is the evidence. */
async function openControlPlane() {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    request.resume();
    const isClaim = request.url?.endsWith("/claim");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(isClaim ? { lease: null, drain: false } : { workerId: "wrk_01m7ym4dyxe68rsynjt47zzwdd" }));
  }); // prettier-ignore
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function check(env: Record<string, string>, start: string[] = [], stdio: (number | "pipe" | "ignore")[] = []) {
  const [command, ...args] = [...start, process.execPath, "--conditions=source", "--no-warnings", cli, "check", "--sandbox", "--json"]; // prettier-ignore
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe", ...stdio] });
  const [said, errors, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, "close")]);
  expect(said, errors).toMatch(/^\{.*\}\n$/);
  const answer = JSON.parse(said) as { ok: boolean; data: unknown; error: { code: string; detail: string; next: string } | null }; // prettier-ignore
  return { code: code as number, ...answer, data: sandboxCheck.parse(answer.data) };
}

const failedOf = ({ data }: Awaited<ReturnType<typeof check>>) =>
  data.checks.filter(({ status }) => status === "fail").map(({ id }) => id);

const worker = (url: string, more: Record<string, string>) =>
  startProgram(cli, ["worker"], settings({ FEEDBACK_CHAT_URL: url, FEEDBACK_CHAT_WORKER_KEY: "fcw_test", ...more }));

/** Each takes one wall out of the real bubblewrap; by what it has to be seen, and what a person is told. */
const weaknesses: [name: string, weakness: Weakness, id: string, remedy: RegExp][] = [
  ["a leaky mount of the host's tmp", { sed: "s#^--perms$#--bind\\x00/tmp\\x00/tmp\\x00--perms#" }, "host_file", /mounts more of this machine/],
  ["a leaky mount of a home", { sed: "s#^--perms$#--ro-bind\\x00/root\\x00/root\\x00--perms#" }, "mounts", /mounts more of this machine/],
  ["an inherited file descriptor", { shell: "exec 9</" }, "descriptors", /open file/],
  ["the network left on", { sed: "/^--unshare-net$/d" }, "host_loopback", /network/],
  ["a capability kept", { sed: "s#^--clearenv$#--cap-add\\x00CAP_NET_RAW\\x00--clearenv#" }, "capabilities", /Do not run jobs here/],
  ["no filter of system calls", { sed: "/^--seccomp$/{N;d}", shell: "exec 5<&-" }, "system_calls", /Do not run jobs here/],
]; // prettier-ignore

describe("a wall that is weakened", () => {
  it("case 21: whole walls: every probe passes, the mechanisms are named, and a worker asks for jobs", async () => {
    using sound = weakBwrap({});
    await using controlPlane = await openControlPlane();
    const [checked] = await Promise.all([
      check(settings({ FEEDBACK_CHAT_BWRAP_PATH: sound.path })),
      (async () => {
        await using started = worker(controlPlane.url, { FEEDBACK_CHAT_BWRAP_PATH: sound.path });
        await started.heard("worker.registered");
        await waitUntil("a claim", () => controlPlane.asked.some((path) => path.endsWith("/claim")));
      })(),
    ]);
    expect(checked).toMatchObject({ code: 0, ok: true, error: null });
    expect(failedOf(checked)).toEqual([]);
    expect(checked.data.checks.length).toBeGreaterThanOrEqual(26);
    for (const probe of checked.data.checks) expect(probe.control, probe.id).toBeTruthy();
    expect(checked.data.sandbox).toMatchObject({ mechanism: "bubblewrap", runsAs: expect.any(Number) });
    expect(Object.keys(checked.data.sandbox?.limits ?? {}).sort()).toEqual(["disk", "files", "memory", "processes", "processor"]); // prettier-ignore
  });

  it.each(weaknesses)("case 21: behind %s no lease is taken: exit 78 and the remedy", async (_name, weakness, id, remedy) => {
    using weak = weakBwrap(weakness);
    await using controlPlane = await openControlPlane();
    const env = { FEEDBACK_CHAT_BWRAP_PATH: weak.path };
    await using refusing = worker(controlPlane.url, env);
    const [checked, ended] = await Promise.all([check(settings(env)), refusing.exited]);
    expect(checked).toMatchObject({ code: 78, ok: false, error: { code: "sandbox_leaks", next: expect.stringMatching(remedy) } }); // prettier-ignore
    expect(failedOf(checked)).toContain(id);
    expect(ended.code, refusing.said()).toBe(78);
    expect(refusing.said()).toMatch(remedy);
    expect(controlPlane.asked).toEqual([]);
  }); // prettier-ignore

  it("case 21: without user namespaces no lease is taken: exit 78 and the remedy", async () => {
    // In a user namespace that may have no further one: the kernel itself refuses, to the real bubblewrap.
    const none = 'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all --ambient-caps=-all -- "$@"';
    const start = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "sh", "-c", none, "sh"];
    expect(() => execFileSync(start[0]!, [...start.slice(1), "unshare", "--user", "true"], { stdio: "pipe" })).toThrow(/No space left/);
    const folder = mkdtempSync(join(tmpdir(), "feedback-chat-no-namespaces-"));
    await using controlPlane = await openControlPlane();
    const env = settings({ FEEDBACK_CHAT_DATA: folder, FEEDBACK_CHAT_URL: controlPlane.url, FEEDBACK_CHAT_WORKER_KEY: "fcw_test" });
    const checked = await check(env, start);
    expect(checked).toMatchObject({
      code: 78, ok: false, error: { code: "sandbox_unavailable", next: expect.stringContaining("user.max_user_namespaces") },
    });
    expect(checked.data.sandbox).toBeNull();
    const child = spawn(start[0]!, [...start.slice(1), process.execPath, "--conditions=source", "--no-warnings", cli, "worker"], { env });
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
    expect(code, said).toBe(78);
    expect(said).toContain("user.max_user_namespaces");
    expect(controlPlane.asked).toEqual([]);
    rmSync(folder, { recursive: true });
  }); // prettier-ignore

  it("case 21: a descriptor that the worker was started with does not reach the sandbox", async () => {
    const root = openSync("/", "r");
    try {
      const stdio = [...Array.from({ length: 37 }, () => "ignore" as const), root];
      // Node itself hands number 40 on.
      const look = 'require("node:child_process").spawnSync("readlink", ["/proc/self/fd/40"], { stdio: "inherit" })';
      const child = spawn(process.execPath, ["-e", look], { stdio: ["ignore", "pipe", "ignore", ...stdio] });
      expect(await text(child.stdout!)).toBe("/\n");
      const checked = await check(settings({}), [], stdio);
      expect(checked.code, JSON.stringify(checked.error)).toBe(0);
      expect(checked.data.checks.find(({ id }) => id === "descriptors")).toMatchObject({ status: "pass" });
    } finally {
      closeSync(root);
    }
  });

  it("case 21: walls that fall while a worker waits for jobs end it with 78: the self-test is repeated", async () => {
    using weak = weakBwrap({ sed: "/^--unshare-net$/d" }, false);
    await using controlPlane = await openControlPlane();
    // Once an hour becomes once in 3.6 s.
    const env = { FEEDBACK_CHAT_BWRAP_PATH: weak.path, FEEDBACK_CHAT_FIGURES_SCALE: "0.001" };
    await using waiting = worker(controlPlane.url, env);
    await waitUntil("claims", () => controlPlane.asked.length > 3);
    weak.weaken();
    const { code } = await waiting.exited;
    expect(code, waiting.said()).toBe(78);
    const asked = controlPlane.asked.length;
    expect(await waiting.heard("worker.will_not_heal")).toMatchObject({ code: "sandbox_leaks" });
    expect(waiting.said()).toMatch(/shares this machine's network/);
    expect(controlPlane.asked.length).toBe(asked);
  });
});
