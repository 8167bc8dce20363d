import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";

export interface Postgres extends AsyncDisposable {
  /** Superuser, loopback, no password: the cluster lives for one command. */
  url: string;
  /** Of the server that runs now: another one after `start`. */
  readonly pid: number;
  /** Ends it as the kernel would, without a word, and waits until the last of its processes is gone. */
  crash(): Promise<void>;
  /** After a crash: the same folder on the same port. */
  start(): Promise<void>;
}

/** The newest server binaries of this machine, or nothing. Debian keeps them out of PATH. */
export function postgresBinaries(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env["PATH"] ?? "").split(":"),
  ];
  return folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

/**
 * One cluster in a temporary folder, for as long as the returned value is not disposed. It dies with this process,
 * also after `kill -9`, where `setpriv` exists.
 */
export async function startPostgres(): Promise<Postgres> {
  const binaries = postgresBinaries();
  if (!binaries) throw new Error("PostgreSQL is not installed: apt-get install -y postgresql");
  const user = serverUser();
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-pg-"));
  if (user) chownSync(folder, user.uid, user.gid);
  const data = join(folder, "data");
  const initdb = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
  execFileSync(join(binaries, "initdb"), initdb, {
    stdio: ["ignore", "ignore", "inherit"],
    cwd: folder,
    ...user,
  });

  const port = await freePort();
  const settings = [
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "max_connections=200",
    "shared_buffers=128MB",
  ];
  const flags = settings.flatMap((setting) => ["-c", setting]);
  const args = ["-D", data, "-h", "127.0.0.1", "-p", String(port), "-k", folder, ...flags];
  const spawnServer = () => spawnTied(join(binaries, "postgres"), args, folder, user);
  let server = spawnServer();
  await untilReady(server);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    get pid() {
      return server.pid ?? 0;
    },
    async crash() {
      const gone = once(server, "exit");
      server.kill("SIGKILL");
      await gone;
      await untilAlone(folder);
    },
    async start() {
      server = spawnServer();
      await untilReady(server);
    },
    async [Symbol.asyncDispose]() {
      if (server.exitCode === null && server.signalCode === null) {
        const gone = once(server, "exit");
        server.kill("SIGINT"); // "fast": open sessions are ended, the data folder stays whole
        await gone;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Its children outlive a killed server for a moment; a new one refuses to start beside them. */
async function untilAlone(folder: string): Promise<void> {
  const isThere = () =>
    readdirSync("/proc").some((name) => {
      if (!/^\d+$/.test(name)) return false;
      try {
        return readlinkSync(`/proc/${name}/cwd`).startsWith(folder);
      } catch (error) {
        if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
        throw error;
      }
    });
  while (isThere()) await new Promise((again) => setTimeout(again, 20));
}

/** PostgreSQL refuses to run as root: then it gets its own user, or nobody's. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: "-u" | "-g") => spawnSync("id", [flag, "postgres"], { encoding: "utf8" });
  const [uid, gid] = [idOf("-u"), idOf("-g")];
  return uid.status === 0 ? { uid: Number(uid.stdout), gid: Number(gid.stdout) } : { uid: 65534, gid: 65534 };
}

function spawnTied(
  program: string,
  args: string[],
  cwd: string,
  user: { uid: number; gid: number } | undefined,
): ChildProcess {
  const stdio: ["ignore", "ignore", "pipe"] = ["ignore", "ignore", "pipe"];
  if (!existsSync("/usr/bin/setpriv")) return spawn(program, args, { cwd, stdio, ...user });
  const drop = user ? ["--reuid", String(user.uid), "--regid", String(user.gid), "--clear-groups"] : [];
  return spawn("/usr/bin/setpriv", [...drop, "--pdeathsig", "INT", program, ...args], {
    cwd,
    stdio,
  });
}

/** A terminal's Ctrl-C reaches the server too, which then ends by itself: that is the same ending. */
async function untilReady(server: ChildProcess): Promise<void> {
  let said = "";
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.once("exit", (code) => reject(new Error(`PostgreSQL ended with ${code} before it was ready:\n${said}`)));
  server.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-20_000);
    if (said.includes("ready to accept connections")) resolve();
  });
  await promise;
  server.removeAllListeners("exit");
}

/** Free at this moment: for servers that cannot be asked to choose one themselves. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, "close");
  return port;
}
