import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"; // prettier-ignore
import { tmpdir } from "node:os";
import { join } from "node:path";
import { validate } from "dockerfile-utils";
import pg from "pg";
import { afterAll, expect, it } from "vitest";
import { call } from "../support/call-server.ts";
import { createDatabase, createHostedDatabase } from "../support/open-test-database.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";

const root = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join(tmpdir(), "fc-deploy-"));
chmodSync(folder, 0o755);
const running: ServerProcess[] = [];
afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  rmSync(folder, { recursive: true, force: true });
});
const MASTER_KEY = randomBytes(32).toString("base64");
function start(env: Record<string, string>, wrapper: string[] = [], args: string[] = []): ServerProcess {
  const server = startServerProcess(env, wrapper, args);
  running.push(server);
  return server;
}

/** A key and a certificate for a name, signed by an authority of its own. */
function makeCertificate(name: string, altNames: string): { ca: string; key: string; cert: string } {
  const file = (kind: string) => join(folder, `${name}-${kind}`);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...newKey, "-keyout", file("ca.key"), "-out", file("ca.pem"), "-subj", `/CN=${name} authority`); // prettier-ignore
  openssl("req", ...newKey, "-keyout", file("key"), "-out", file("csr"), "-subj", `/CN=${name}`);
  writeFileSync(file("ext"), `subjectAltName=${altNames}\n`);
  openssl("x509", "-req", "-in", file("csr"), "-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", file("ext"), "-out", file("cert")); // prettier-ignore
  return { ca: file("ca.pem"), key: file("key"), cert: file("cert") };
}

async function onCluster<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: process.env["TEST_DATABASE_URL"] });
  await client.connect();
  return work(client).finally(() => client.end());
}

/** Switches TLS of the test's own cluster, for connections that come from now on. */
async function setTls(certificate: { key: string; cert: string } | null): Promise<void> {
  await onCluster(async (client) => {
    const { rows } = await client.query<{ data_directory: string }>("show data_directory");
    const data = rows[0]?.data_directory ?? "";
    const { uid, gid } = statSync(data);
    if (certificate)
      for (const kind of ["key", "cert"] as const) {
        writeFileSync(join(data, `test-${kind}`), readFileSync(certificate[kind]), { mode: 0o600 });
        chmodSync(join(data, `test-${kind}`), 0o600);
        if (process.getuid?.() === 0) chownSync(join(data, `test-${kind}`), uid, gid);
      }
    await client.query("alter system set ssl_key_file = 'test-key'");
    await client.query("alter system set ssl_cert_file = 'test-cert'");
    await client.query(`alter system set ssl = ${certificate ? "on" : "off"}`);
    await client.query("select pg_reload_conf()");
    await until(async () => {
      const { rows: now } = await client.query<{ ssl: string }>("show ssl");
      return now[0]?.ssl === (certificate ? "on" : "off");
    });
  });
}

it("speaks TLS with the database whose authority it was given, and sends nothing to another", async () => {
  const right = makeCertificate("right", "IP:127.0.0.1,DNS:localhost");
  const elsewhere = makeCertificate("elsewhere", "DNS:db.example.com");
  const plain = await createDatabase();
  const url = (more: string) => `${plain}?sslmode=verify-full${more}`;
  const trusting = ({ ca }: { ca: string }) => `&sslrootcert=${ca}`;
  const refusal = async (databaseUrl: string) => {
    const { code, said } = await start({ DATABASE_URL: databaseUrl, MASTER_KEY }, [], ["--migrate-only"]).ended;
    expect({ code, said }).toMatchObject({ code: 2 });
    return said;
  };
  expect(await refusal(url(trusting(right)))).toContain("asks for TLS");
  await setTls(right);
  try {
    const server = start({ DATABASE_URL: url(trusting(right)), MASTER_KEY });
    const { url: address } = (await server.event("server.listening")) as { url: string };
    expect(await call({ url: address }, "GET", "/api/healthz")).toMatchObject({ status: 200 });
    // All of its connections, the listening one too.
    const { rows } = await onCluster((client) =>
      client.query<{ ssl: boolean; n: number }>(
        "select s.ssl, count(*)::int as n from pg_stat_ssl s join pg_stat_activity a using (pid) where a.datname = $1 group by 1",
        [new URL(plain).pathname.slice(1)],
      ),
    );
    expect(rows).toEqual([{ ssl: true, n: expect.any(Number) as number }]);
    expect(rows[0]?.n).toBeGreaterThan(1);
    server.child.kill("SIGTERM");
    expect((await server.ended).code).toBe(0);

    // pg_dump reads the same address, which libpq would understand in another way.
    const backup = async (databaseUrl: string, name: string) => {
      const { code, said } = await start({ DATABASE_URL: databaseUrl }, [], ["backup", join(folder, name)]).ended;
      return { code, said };
    };
    expect(await backup(url(trusting(right)), "trusted")).toEqual({ code: 0, said: "" });
    expect(await backup(`${plain}?sslmode=no-verify`, "unproven")).toMatchObject({ code: 0 });
    expect((await backup(url(""), "public")).said).toContain("certificate verify failed");

    expect(await refusal(url(trusting(elsewhere)))).toMatch(/not trusted[\s\S]+sslrootcert/);
    expect(await refusal(url(""))).toContain("not trusted");
    expect(await refusal(url(`&sslrootcert=${join(folder, "absent.pem")}`))).toContain("absent.pem");
    const migrated = async (query: string) =>
      (await start({ DATABASE_URL: `${plain}?${query}`, MASTER_KEY }, [], ["--migrate-only"]).ended).code;
    // As to PostgreSQL's own programs: it encrypts, and proves an authority only where one is named.
    expect(await migrated("sslmode=require")).toBe(0);
    expect(await backup(`${plain}?sslmode=require&uselibpqcompat=true`, "required")).toMatchObject({ code: 0 });
    expect(await migrated(`sslmode=require${trusting(elsewhere)}`)).toBe(2);
    await setTls(elsewhere);
    expect(await refusal(url(trusting(elsewhere)))).toContain("another name");
    expect(await migrated(`sslmode=verify-ca${trusting(elsewhere)}`)).toBe(0);
    expect(await migrated(`sslmode=verify-ca${trusting(right)}`)).toBe(2);
  } finally {
    await setTls(null);
  }
}, 180_000);

it("runs as a plain user who may write nothing: with a server database nowhere, else in its own folder alone", async () => {
  const uid = "10001";
  const data = mkdtempSync(join(folder, "data-"));
  chownSync(data, Number(uid), Number(uid));
  // As a container of ours: every file system read-only, no capability left.
  const jail = (writable: string[]) => [
    "bwrap", "--die-with-parent", "--unshare-pid", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
    ...writable.flatMap((path) => ["--bind", path, path]), "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP",
    "setpriv", "--reuid", uid, "--regid", uid, "--clear-groups", "--bounding-set=-all", "--no-new-privs",
  ]; // prettier-ignore
  const tryToWrite = (writable: string[], path: string) => {
    const [, ...args] = [...jail(writable), "touch", join(path, "x")];
    return spawnSync("bwrap", args).status;
  };
  // The walls stand: the same user writes where it may, and nowhere else.
  expect([tryToWrite([data], data), tryToWrite([], data), tryToWrite([data], tmpdir()), tryToWrite([data], root)]).toEqual([0, 1, 1, 1]); // prettier-ignore

  const stateless = start({ DATABASE_URL: await createHostedDatabase(), MASTER_KEY }, jail([]));
  const own = start({ DATA_DIR: data }, jail([data]));
  for (const server of [stateless, own]) {
    const { url } = (await server.event("server.listening")) as { url: string };
    expect(await call({ url }, "GET", "/api/healthz")).toMatchObject({ status: 200 });
    const said = server.events.find(({ event }) => event === "owner.code");
    const body = { email: "ann@example.com", password: "correct horse battery", login: "ann", code: said?.["code"], wantsCliToken: true, machine: "t" }; // prettier-ignore
    expect(await call({ url }, "POST", "/api/setup/owner", { body })).toMatchObject({ status: 201 });
  }
  expect(readdirSync(data)).toContain("postgres");
  expect(statSync(join(data, "master-key")).uid).toBe(Number(uid));
}, 180_000);

it("has units that systemd accepts, with a server that is walled in, and a Dockerfile that holds to its page", () => {
  const units = join(root, "docs/deploy");
  for (const name of ["feedback-chat-server", "feedback-chat-worker"]) {
    const text = readFileSync(join(units, `${name}.service`), "utf8");
    // The programs are not installed here: what is judged is the rest.
    writeFileSync(join(folder, `${name}.service`), text.replace(/^(ExecStart=)\S+/m, `$1${process.execPath}`).replace(/^User=.*/m, "User=root")); // prettier-ignore
    if (existsSync("/usr/bin/systemd-analyze")) {
      const judged = spawnSync("systemd-analyze", ["verify", "--man=no", join(folder, `${name}.service`)], { encoding: "utf8" }); // prettier-ignore
      expect({ name, status: judged.status, said: judged.stderr.split("\n").filter((line) => line.includes(`${name}.service`)) }).toEqual({ name, status: 0, said: [] }); // prettier-ignore
    }
    for (const line of text.split("\n")) expect(line).toMatch(/^($|#|\[[A-Z]\w+\]$|[A-Z]\w+=)/);
  }
  const server = readFileSync(join(units, "feedback-chat-server.service"), "utf8");
  for (const wall of [
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "CapabilityBoundingSet=\n",
    "RestartPreventExitStatus=2 78",
  ])
    expect(server).toContain(wall);
  const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
  const said = (text: string) => validate(text).map(({ message, range }) => ({ line: range.start.line + 1, message }));
  expect(said(`${dockerfile}ENTRYPOINT again\n`)).not.toEqual([]); // the linter sees
  expect(said(dockerfile)).toEqual([]);
  const last = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
  expect(last).toMatch(/\nUSER 10001:10001\n[\s\S]*\nHEALTHCHECK [\s\S]*\nENTRYPOINT \["node"/);
  expect(dockerfile.match(/^FROM /gm)).toHaveLength(2);
  expect(dockerfile).not.toMatch(/:latest|\bADD\b|\bcurl\b|\bsudo\b/);
  // Every tag says its whole version.
  for (const [, image] of dockerfile.matchAll(/^FROM (\S+)/gm)) expect(image).toMatch(/:\d+\.\d+\.\d+-/);
});
