import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openWorld, type World } from "@feedback-chat/testing/open-world";
import { processesWith } from "@feedback-chat/testing/process-tree";
import { fromSource, makeHome, runCli, startCli } from "./support/run-cli.ts";

// One control plane for all that need one; without a worker.
let world: World;
beforeAll(async () => {
  world = await openWorld({ databaseUrl: process.env["TEST_DATABASE_URL"] });
}, 120_000);
afterAll(() => world[Symbol.asyncDispose]());

/** A PATH with everything but the program. */
async function pathWithout(program: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  for (const name of ["git", "sh", "node", "npm", "chown", "rm", "setpriv", "prlimit", "env"]) {
    const { stdout, exitCode } = await execa("sh", ["-c", `command -v ${name}`], { reject: false });
    if (exitCode === 0 && name !== program) symlinkSync(stdout, join(folder, name));
  }
  return folder;
}

type Expected = { code: number; says: RegExp; next: RegExp };
function expectSentence({ code, stderr }: { code: number | null; stderr: string }, expected: Expected): void {
  expect({ code, stderr }).toEqual({
    code: expected.code,
    stderr: expect.stringMatching(expected.says),
  });
  expect(stderr).toMatch(expected.next);
  expect(stderr).not.toMatch(/^\s+at /m);
}

describe("bad input says what, why and what next", () => {
  it("ends with 5 for an unknown project", async () => {
    using home = makeHome();
    const ran = await runCli(["runs", "list", "--project", "prj_01h455vb4pex5vsknk084sn02q"], {
      ...home.env,
      FEEDBACK_CHAT_URL: world.tap.url,
      FEEDBACK_CHAT_TOKEN: world.token,
    });
    expectSentence(ran, { code: 5, says: /nothing with this id/, next: /Check the id/ });
  });

  it("ends with 2 when a key is missing", async () => {
    using home = makeHome();
    expectSentence(await runCli(["worker", "--url", world.tap.url], home.env), {
      code: 2,
      says: /FEEDBACK_CHAT_WORKER_KEY is not set/,
      next: /Set FEEDBACK_CHAT_WORKER_KEY/,
    });
    expectSentence(await runCli(["run", "1", "--repo", "acme/shop"], home.env), {
      code: 2,
      says: /GITHUB_TOKEN/,
      next: /GITHUB_TOKEN/,
    });
  });

  it("ends with 7 when GitHub cannot be reached", async () => {
    using home = makeHome();
    const env = {
      ...home.env,
      GITHUB_TOKEN: "ghp_x",
      ANTHROPIC_API_KEY: "sk-ant-x",
      GITHUB_API_URL: "http://127.0.0.1:9",
      GITHUB_URL: "http://127.0.0.1:9",
    };
    expectSentence(await runCli(["run", "1", "--repo", "acme/shop"], env), {
      code: 7,
      says: /GitHub/,
      next: /network|GITHUB_API_URL/,
    });
  });

  it("ends with 7 when the control plane cannot be reached", async () => {
    using home = makeHome();
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    const url = `http://127.0.0.1:${(gone.address() as AddressInfo).port}`;
    gone.close();
    const ran = await runCli(["runs", "list", "--project", "prj_x", "--url", url], {
      ...home.env,
      FEEDBACK_CHAT_TOKEN: "fcu_x",
    });
    expectSentence(ran, {
      code: 7,
      says: /127\.0\.0\.1:\d+ does not answer: the connection was refused \(ECONNREFUSED\)/,
      next: /Check the address/,
    });
  });

  it("asks a control plane elsewhere through the proxy, and says what the proxy answered", async () => {
    using home = makeHome();
    const tunnels: string[] = [];
    const proxy = createServer().on("connect", (request, socket) => {
      tunnels.push(request.url ?? "");
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const env = {
      ...home.env,
      FEEDBACK_CHAT_TOKEN: "fcu_x",
      https_proxy: `http://ada:hunter2@127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    };
    const ran = await runCli(["projects", "list", "--url", "https://control.corp.test"], env);
    proxy.close();
    expectSentence(ran, { code: 7, says: /the proxy answered 407/, next: /wants a user and a password/ });
    expect(tunnels).toEqual(["control.corp.test:443"]);
    expect(ran.stderr).not.toContain("hunter2");
  });

  it("ends with 4 without a login, and with 7 and the reason when something else answers there", async () => {
    using home = makeHome();
    expectSentence(await runCli(["runs", "list"], home.env), {
      code: 4,
      says: /No control plane is known/,
      next: /feedback-chat up/,
    });
    const portal = createServer((_, answer) => answer.end("<html>please log in</html>")).listen(0, "127.0.0.1");
    await once(portal, "listening");
    const url = `http://127.0.0.1:${(portal.address() as AddressInfo).port}`;
    expectSentence(
      await runCli(["runs", "list", "--project", "prj_x", "--url", url], {
        ...home.env,
        FEEDBACK_CHAT_TOKEN: "fcu_x",
      }),
      { code: 7, says: /did not answer with JSON/, next: /next/ },
    );
    portal.close();
  });

  it("ends with 1 where neither bubblewrap nor podman can be had, and `worker` with 78", async () => {
    using home = makeHome();
    const env = {
      ...home.env,
      PATH: await pathWithout("bwrap", join(home.folder, "bin")),
      FEEDBACK_CHAT_BWRAP_PATH: join(home.folder, "no-bwrap"),
      FEEDBACK_CHAT_PODMAN_PATH: join(home.folder, "no-podman"),
    };
    const says = /bubblewrap .*is not installed.*podman is not installed/;
    const keys = {
      GITHUB_TOKEN: world.secrets.github,
      ANTHROPIC_API_KEY: "sk-ant-x",
      GITHUB_API_URL: world.github.url,
      GITHUB_URL: world.github.url,
    };
    expectSentence(await runCli(["run", "1", "--repo", "acme/shop"], { ...env, ...keys }), {
      code: 1,
      says,
      next: /apt-get install (-y )?bubblewrap/,
    });
    expectSentence(
      await runCli(["worker", "--url", world.tap.url], {
        ...env,
        FEEDBACK_CHAT_WORKER_KEY: world.workerKey,
        FEEDBACK_CHAT_DATA: join(home.folder, "data"),
      }),
      { code: 78, says, next: /apt-get install (-y )?bubblewrap/ },
    );
  }, 60_000);

  it("ends with 1 without the engine and offline", async () => {
    using home = makeHome();
    const ran = await runCli(["run", "1", "--repo", "acme/shop", "--offline"], {
      ...home.env,
      FEEDBACK_CHAT_ENGINE_PATH: join(home.folder, "no-claude"),
      GITHUB_TOKEN: world.secrets.github,
      ANTHROPIC_API_KEY: "sk-ant-x",
      GITHUB_API_URL: world.github.url,
      GITHUB_URL: world.github.url,
    });
    expectSentence(ran, { code: 1, says: /no Claude Code at/, next: /Correct the path/ });
  }, 60_000);

  it("ends with 6 when the port is in use, and names it", async () => {
    using home = makeHome();
    const port = new URL(world.tap.url).port;
    expectSentence(await runCli(["up", "--no-worker", "--port", port, "--data", join(home.folder, "data")], home.env), {
      code: 6,
      says: new RegExp(port),
      next: /--port|another/,
    });
  }, 60_000);

  it("ends with 1 when the disk is full, and leaves no process", async () => {
    using home = makeHome();
    const data = join(home.folder, "data");
    mkdirSync(data);
    // A disk of 8 MB, seen by this process and its children only.
    const rights = process.getuid?.() === 0 ? [] : ["--user", "--map-current-user", "--keep-caps"];
    const script = 'mount -t tmpfs -o size=8m tmpfs "$1" && shift && exec "$@"';
    const onSmallDisk = ["unshare", ...rights, "--mount", "sh", "-c", script, "sh", data, ...fromSource];
    const ran = await runCli(["up", "--no-worker", "--port", "0", "--data", data], home.env, onSmallDisk);
    expectSentence(ran, { code: 1, says: /disk/, next: /Make room/ });
    expect(processesWith(data)).toEqual([]);
  }, 120_000);

  /** In a mount namespace of its own, after `mounts` with the words of `places` as $1, $2, … */
  const after = (mounts: string, ...places: string[]) => {
    const rights = process.getuid?.() === 0 ? [] : ["--user", "--map-current-user", "--keep-caps"];
    const script = `${mounts} && shift ${places.length} && exec "$@"`;
    return ["unshare", ...rights, "--mount", "sh", "-c", script, "sh", ...places, ...fromSource];
  };
  const runHere = (home: { folder: string; env: Record<string, string> }) => ({
    ...home.env,
    GITHUB_TOKEN: world.secrets.github,
    ANTHROPIC_API_KEY: "sk-ant-x",
    GITHUB_API_URL: world.github.url,
    GITHUB_URL: world.github.url,
    FEEDBACK_CHAT_ENGINE_COMMAND: '["true"]',
    FEEDBACK_CHAT_DATA: join(home.folder, "data"),
  });
  const workHere = (home: { folder: string; env: Record<string, string> }) => ({
    ...runHere(home),
    FEEDBACK_CHAT_URL: world.tap.url,
    FEEDBACK_CHAT_WORKER_KEY: world.workerKey,
  });

  it("refuses a git that ignores our settings: 78 for `worker`, 1 for `run`, and `check` says so", async () => {
    using home = makeHome();
    const old = join(home.folder, "old");
    mkdirSync(old);
    // What git before 2.31 does with them: nothing.
    const script =
      '#!/bin/sh\n[ "$1" = --version ] && { echo "git version 2.25.1"; exit 0; }\nunset GIT_CONFIG_COUNT\nexec /usr/bin/git "$@"\n';
    writeFileSync(join(old, "git"), script, { mode: 0o755 });
    const command = after('mount --bind "$1" /usr/local/bin', old);
    const sentence = { says: /git 2\.25\.1 is too old/, next: /Install git 2\.31 or newer/ };
    expectSentence(await runCli(["worker", "--once"], workHere(home), command), { code: 78, ...sentence });
    expectSentence(await runCli(["run", "1", "--repo", "acme/shop"], runHere(home), command), { code: 1, ...sentence });
    const checked = await runCli(["check", "--sandbox"], runHere(home), command);
    expect(checked).toMatchObject({ code: 78, stdout: expect.stringMatching(/FAIL git .*2\.25\.1 is too old/) });
  }, 60_000);

  it("refuses a data folder where no program can start", async () => {
    using home = makeHome();
    mkdirSync(join(home.folder, "data"));
    const command = after('mount -t tmpfs -o noexec,size=8m tmpfs "$1"', join(home.folder, "data"));
    const sentence = { says: /data is on a file system that is mounted noexec/, next: /FEEDBACK_CHAT_DATA/ };
    expectSentence(await runCli(["worker", "--once"], workHere(home), command), { code: 78, ...sentence });
  }, 60_000);

  it("refuses a folder for temporary files that is not there", async () => {
    using home = makeHome();
    const sentence = { says: /\/not-there cannot be written: ENOENT/, next: /TMPDIR/ };
    const TMPDIR = join(home.folder, "not-there");
    expectSentence(await runCli(["worker", "--once"], { ...workHere(home), TMPDIR }), { code: 78, ...sentence });
  }, 60_000);

  it("refuses a HOME that is no folder, and answers --help without one", async () => {
    using home = makeHome();
    const env = { ...home.env, HOME: "relative" };
    expectSentence(await runCli(["runs", "list"], env), {
      code: 2,
      says: /HOME does not name a folder/,
      next: /Set HOME/,
    });
    expect(await runCli(["--help"], env)).toMatchObject({ code: 0, stdout: expect.stringContaining("Usage") });
  });

  it.each([
    ["worker", ["worker", "--once"]],
    ["projects list", ["projects", "list"]],
  ])("refuses a control plane's address with a path in `%s`", async (_name, args) => {
    using home = makeHome();
    const env = { ...workHere(home), FEEDBACK_CHAT_TOKEN: "fcu_x", FEEDBACK_CHAT_URL: `${world.tap.url}/feedback` };
    const sentence = { says: /FEEDBACK_CHAT_URL has a path: \/feedback/, next: /scheme, name and port alone/ };
    expectSentence(await runCli(args, env), { code: 2, ...sentence });
  });

  it("ends with 1 for a budget of nothing, and starts no process", async () => {
    using home = makeHome();
    const { number } = world.openIssue();
    const env = {
      ...home.env,
      GITHUB_TOKEN: world.secrets.github,
      ANTHROPIC_API_KEY: "sk-ant-x",
      GITHUB_API_URL: world.github.url,
      GITHUB_URL: world.github.url,
      ANTHROPIC_BASE_URL: world.model.url,
      FEEDBACK_CHAT_ENGINE_COMMAND: '["sh","-c","echo started > /work/started"]',
      FEEDBACK_CHAT_DATA: join(world.folder, "budget"),
    };
    const ran = await runCli(["run", String(number), "--repo", "acme/shop", "--budget", "0"], env);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/budget/i);
    expect(ran.stderr).not.toMatch(/engine started/);
    expect(world.model.requests).toEqual([]);
  }, 60_000);

  it("ends with 2 for words that it does not know, as one object with --json", async () => {
    using home = makeHome();
    const plain = await runCli(["rnu"], home.env);
    expect(plain).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/unknown command 'rnu'/),
    });
    const json = await runCli(["runs", "list", "--json"], home.env);
    expect(JSON.parse(json.stdout)).toMatchObject({
      schemaVersion: 1,
      command: "runs list",
      ok: false,
      data: null,
      error: { code: "unauthenticated" },
    });
  });

  it("refuses to listen beyond loopback without a word about it", async () => {
    using home = makeHome();
    expectSentence(await runCli(["up", "--host", "0.0.0.0"], home.env), {
      code: 2,
      says: /would show keys and passwords/,
      next: /--public-url/,
    });
  });
});

describe("the server's settings under `up`", () => {
  it("refuses the nonsense that the server refuses, naming every variable", async () => {
    using home = makeHome();
    const nonsense = {
      // In the order of the server's schema.
      MODE: "sideways",
      DATABASE_POOL_SIZE: "none",
      LIMIT_WEBHOOKS: "0",
      SMTP_URL: "nonsense",
      METRICS_TOKEN: "short",
      FEEDBACK_CHAT_FIGURES: "{",
      FEEDBACK_CHAT_ENV: "moon",
    };
    expectSentence(await runCli(["up", "--no-worker"], { ...home.env, ...nonsense }), {
      code: 2,
      says: new RegExp(
        `not valid:${Object.keys(nonsense)
          .map((name) => `.*\\b${name}: `)
          .join("")}`,
      ),
      next: /Correct the variables/,
    });
  });

  it("listens where PORT and DATA_DIR say, unless a flag says otherwise", async () => {
    using home = makeHome();
    const folder = join(home.folder, "elsewhere");
    await using up = startCli(["up", "--no-worker"], {
      ...home.env,
      PORT: "0",
      DATA_DIR: folder,
      METRICS_TOKEN: "a-scraper-of-ours",
    });
    const [, url = ""] = await up.said(/is up: (http:\S+)/);
    expect(existsSync(join(folder, "master-key"))).toBe(true);
    const headers = { authorization: "Bearer a-scraper-of-ours" };
    expect((await fetch(`${url}/metrics`, { headers })).status).toBe(200);
  });
});

describe("case 26: one data folder, one `up`", () => {
  it("says who holds the folder, leaves no orphan after kill -9, and starts again on it", async () => {
    using home = makeHome();
    const args = ["up", "--port", "0", "--data", join(home.folder, "data"), "--no-worker"];
    await using first = startCli(args, home.env);
    await first.said(/is up: http/);
    expectSentence(await runCli(args, home.env), {
      code: 6,
      says: /in use by process \d+/,
      next: /Stop it, or choose another/,
    });
    const { stdout: children } = await execa("ps", ["-o", "pid=", "--ppid", String(first.pid)]);
    first.kill("SIGKILL");
    await first.ended;
    await using again = startCli(args, home.env);
    await again.said(/is up: http/);
    for (const pid of children.trim().split(/\s+/))
      expect((await execa("ps", ["-p", pid], { reject: false })).exitCode).toBe(1);
    again.kill("SIGTERM");
    expect((await again.ended).code).toBe(143);
  }, 120_000);
});
