import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Github, startGithub } from "../src/github-server.ts";

const run = promisify(execFile);
let folder: string;
let github: Github;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "github-git-"));
  github = await startGithub({ folder: join(folder, "github") });
});
afterEach(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

/** git as a user has it, less their configuration; the token goes by environment, as the product does it. */
async function git(args: string[], { token, cwd = folder }: { token?: string; cwd?: string } = {}): Promise<string> {
  const basic = Buffer.from(`x-access-token:${token}`).toString("base64");
  const auth = {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: `http.${github.url}.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
  };
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    LC_ALL: "C",
    ...(token ? auth : {}),
  };
  const who = ["-c", "user.name=bot", "-c", "user.email=bot@example.com"];
  return (await run("git", [...who, ...args], { cwd, env })).stdout;
}

async function clone(token?: string): Promise<string> {
  const tree = await mkdtemp(join(folder, "tree-"));
  await git(["clone", "--quiet", `${github.url}/acme/shop.git`, tree], token ? { token } : {});
  return tree;
}

async function commit(tree: string, path: string, content: string): Promise<string> {
  await writeFile(join(tree, path), content);
  await git(["add", "-A"], { cwd: tree });
  await git(["commit", "--quiet", "-m", `Change ${path}`], { cwd: tree });
  return (await git(["rev-parse", "HEAD"], { cwd: tree })).trim();
}

const files = { "README.md": "# Shop\n", "run.sh": { content: "#!/bin/sh\n", isExecutable: true } };

describe("git over HTTP", () => {
  it("clones a public repository without a token, modes and all", async () => {
    await github.createRepository({ owner: "acme", name: "shop", files });
    const tree = await clone();
    expect(await readFile(join(tree, "README.md"), "utf8")).toBe("# Shop\n");
    expect(await git(["ls-files", "-s", "run.sh"], { cwd: tree })).toContain("100755");
  });

  it("hides a private repository from everybody but its readers", async () => {
    await github.createRepository({ owner: "acme", name: "shop", files, isPrivate: true });
    await expect(clone()).rejects.toThrow(/could not read Username|Authentication failed/);
    await expect(clone(github.addToken({ login: "stranger" }))).rejects.toThrow(/not found/);
    expect(await clone(github.addToken({ login: "acme" }))).toBeTruthy();
    expect(github.requests.map(({ status }) => status)).toEqual(expect.arrayContaining([401, 404, 200]));
  });

  it("takes a push over and moves the pull request's head", async () => {
    await github.createRepository({ owner: "acme", name: "shop", files, roles: { bot: "write" } });
    const token = github.addToken({ login: "bot" });
    const tree = await clone(token);
    const first = await commit(tree, "a.txt", "1\n");
    await git(["push", "--quiet", "origin", "HEAD:refs/heads/feedback/issue-1-x"], {
      cwd: tree,
      token,
    });
    expect(github.lookAt("acme/shop").refs["refs/heads/feedback/issue-1-x"]).toBe(first);
    const opened = await post(
      "/repos/acme/shop/pulls",
      { title: "A", head: "feedback/issue-1-x", base: "main" },
      token,
    );
    expect(opened.status).toBe(201);
    const second = await commit(tree, "a.txt", "2\n");
    await git(["push", "--quiet", "origin", "HEAD:refs/heads/feedback/issue-1-x"], {
      cwd: tree,
      token,
    });
    expect(github.lookAt("acme/shop").pulls[0]?.headSha).toBe(second);
  });

  it("refuses a push by a reader, by a token without contents:write, and to an archive", async () => {
    await github.createRepository({
      owner: "acme",
      name: "shop",
      files,
      roles: { reader: "read", bot: "write" },
    });
    const tree = await clone();
    await commit(tree, "a.txt", "1\n");
    const push = (token: string) => git(["push", "--quiet", "origin", "HEAD:refs/heads/x"], { cwd: tree, token });
    await expect(push(github.addToken({ login: "reader" }))).rejects.toThrow(/403/);
    await expect(
      push(github.addToken({ login: "bot", kind: "fine_grained", permissions: { contents: "read" } })),
    ).rejects.toThrow(/403/);
    const token = github.addToken({ login: "bot" });
    github.archiveRepository({ repo: "acme/shop" });
    await expect(push(token)).rejects.toThrow(/403/);
    expect(Object.keys(github.lookAt("acme/shop").refs)).toEqual(["refs/heads/main"]);
  });

  it("refuses workflow files without that permission, and a protected branch", async () => {
    await github.createRepository({ owner: "acme", name: "shop", files, roles: { bot: "write" } });
    github.protectBranch({ repo: "acme/shop", branch: "main" });
    const tree = await clone();
    await commit(tree, "a.txt", "1\n");
    const push = (ref: string, token: string) =>
      git(["push", "--quiet", "origin", `HEAD:refs/heads/${ref}`], { cwd: tree, token });
    const plain = github.addToken({
      login: "bot",
      kind: "fine_grained",
      permissions: { contents: "write" },
    });
    await expect(push("main", plain)).rejects.toThrow(/GH006/);
    await git(["rm", "--quiet", "run.sh"], { cwd: tree });
    await run("mkdir", ["-p", join(tree, ".github/workflows")]);
    await commit(tree, ".github/workflows/ci.yml", "on: push\n");
    await expect(push("x", plain)).rejects.toThrow(/without `workflows` permission/);
    await push("x", github.addToken({ login: "bot", scopes: ["repo", "workflow"] }));
  });

  it("can lose the answer of a push that it took over", async () => {
    await github.createRepository({ owner: "acme", name: "shop", files, roles: { bot: "write" } });
    const token = github.addToken({ login: "bot" });
    const tree = await clone(token);
    const sha = await commit(tree, "a.txt", "1\n");
    const held = github.holdNext({ method: "POST", path: /git-receive-pack$/, when: "after" });
    const pushing = git(["push", "--quiet", "origin", "HEAD:refs/heads/x"], { cwd: tree, token });
    const ending = pushing.then(() => "taken", String);
    await held.arrived;
    held.drop();
    expect(await ending).toMatch(/hung up|RPC failed|unexpected disconnect/);
    expect(github.lookAt("acme/shop").refs["refs/heads/x"]).toBe(sha);
  });

  it("follows a renamed repository", async () => {
    await github.createRepository({ owner: "acme", name: "shop", files });
    github.renameRepository({ repo: "acme/shop", name: "store" });
    expect(await readFile(join(await clone(), "README.md"), "utf8")).toBe("# Shop\n");
    const moved = await fetch(`${github.url}/repos/acme/shop`, { redirect: "manual" });
    expect(moved.status).toBe(301);
    expect(await (await fetch(moved.headers.get("location")!)).json()).toMatchObject({
      full_name: "acme/store",
    });
  });
});

function post(path: string, body: unknown, token: string): Promise<Response> {
  return fetch(github.url + path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { authorization: `token ${token}` },
  });
}
