import { spawn } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import { ignoring } from "../platform/ignoring.ts";

export type Plants = AsyncDisposable & {
  hostFile: string;
  hostPid: number;
  /** Of our own process: what is inside has one more, or has none of ours. */
  seccompFilters: number;
  loopbackPort: number;
  abstractName: string;
};

/**
 * Puts a random word where nothing inside may find it: a 0600 file, a process's environment and arguments, a
 * loopback listener, an abstract socket. Each is first found from outside, so that not finding it means something.
 */
export async function plantCanaries({ tempFolder, canary }: { tempFolder: string; canary: string }): Promise<Plants> {
  const folder = await mkdtemp(join(tempFolder, "self-test-"));
  const hostFile = join(folder, "secret");
  await writeFile(hostFile, canary, { mode: 0o600 });
  const abstractName = `feedback-chat-${canary.slice(0, 16)}`;
  const process_ = spawn("sh", ["-c", "sleep 60", `worker-${canary}`], {
    env: { WORKER_CANARY: canary, PATH: "/usr/bin:/bin" },
    stdio: "ignore",
  });
  const loopback = await listen((server, ready) => server.listen(0, "127.0.0.1", ready), canary);
  const abstract = await listen((server, ready) => server.listen(`\0${abstractName}`, ready), canary);
  const loopbackPort = (loopback.address() as AddressInfo).port;

  async function dispose(): Promise<void> {
    process_.kill("SIGKILL");
    for (const server of [loopback, abstract]) await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  }
  try {
    await chmod(folder, 0o700);
    if ((await readFile(hostFile, "utf8")) !== canary) throw new Error("the planted file cannot be read outside");
    await requireAnswer({ port: loopbackPort, host: "127.0.0.1" }, canary);
    await requireAnswer({ path: `\0${abstractName}` }, canary);
    if (!(await readFile(`/proc/${process_.pid}/environ`, "latin1")).includes(canary))
      throw new Error("the planted environment cannot be seen outside");
  } catch (error) {
    await dispose();
    throw error;
  }
  const seccompFilters = Number((await readFile("/proc/self/status", "latin1")).match(filterLine)?.[1] ?? 0);
  return {
    hostFile,
    seccompFilters,
    hostPid: process_.pid ?? 0,
    loopbackPort,
    abstractName,
    [Symbol.asyncDispose]: dispose,
  };
}

const filterLine = /^Seccomp_filters:\s*(\d+)$/m;

export function listen(start: (server: Server, ready: () => void) => void, words: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on("error", ignoring("EPIPE", "ECONNRESET"));
      socket.end(words);
    });
    server.once("error", reject);
    start(server, () => resolve(server));
  });
}

function requireAnswer(where: { port: number; host: string } | { path: string }, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(where);
    socket.once("error", reject);
    socket.once("data", (data) => {
      socket.destroy();
      if (data.toString() === words) resolve();
      else reject(new Error("the planted listener says something else"));
    });
  });
}
