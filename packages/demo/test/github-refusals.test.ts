import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Octokit } from "@octokit/rest";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Github, type NewToken, startGithub } from "../src/github-server.ts";

let folder: string;
let github: Github;
let now: Date;
const repo = { owner: "acme", repo: "shop" };
const shop = "acme/shop";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "github-refusals-"));
  now = new Date("2026-11-21T10:00:00Z");
  github = await startGithub({ folder, now: () => now });
  await github.createRepository({
    owner: "acme",
    name: "shop",
    files: { "a.txt": "1\n" },
    roles: { bot: "write", helper: "triage", boss: "maintain" },
  });
});
afterEach(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

const as = (token: NewToken) =>
  new Octokit({
    baseUrl: github.url,
    auth: github.addToken(token),
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
const openPull = async (octokit: Octokit, branch = "x", draft = false) => {
  await github.pushFiles({ repo: shop, branch, files: { "a.txt": `${branch}\n` } });
  return (await octokit.rest.pulls.create({ ...repo, title: "X", head: branch, base: "main", draft })).data;
};

describe("tokens", () => {
  it("end at their time", async () => {
    const octokit = as({
      login: "bot",
      kind: "installation",
      permissions: { issues: "read" },
      expiresAt: new Date("2026-11-21T11:00:00Z"),
    });
    await octokit.rest.issues.listForRepo(repo);
    now = new Date("2026-11-21T11:00:00Z");
    await expect(octokit.rest.issues.listForRepo(repo)).rejects.toMatchObject({
      status: 401,
      message: expect.stringContaining("Bad credentials") as unknown,
    });
  });

  it("do what they are permitted, and a refusal names the missing permission", async () => {
    const octokit = as({
      login: "app[bot]",
      kind: "installation",
      permissions: { contents: "write", issues: "read" },
      repositories: [shop],
    });
    const refused = octokit.rest.issues.createComment({
      ...repo,
      issue_number: github.openIssue({ repo: shop, author: "a", title: "A" }).number,
      body: "b",
    });
    await expect(refused).rejects.toMatchObject({
      status: 403,
      response: { headers: { "x-accepted-github-permissions": "issues=write" } },
    });
  });

  it("reach only their repositories, and hide private ones behind 404", async () => {
    await github.createRepository({
      owner: "acme",
      name: "secret",
      isPrivate: true,
      files: { "a.txt": "1\n" },
    });
    const octokit = as({
      login: "acme",
      kind: "fine_grained",
      permissions: { issues: "write" },
      repositories: [shop],
    });
    await octokit.rest.issues.create({ ...repo, title: "A" });
    await expect(octokit.rest.repos.get({ owner: "acme", repo: "secret" })).rejects.toMatchObject({
      status: 404,
    });
    await expect(as({ login: "bot" }).rest.repos.get({ owner: "acme", repo: "secret" })).rejects.toMatchObject({
      status: 404,
    });
  });

  it("are never recorded, only whose they are", async () => {
    const token = github.addToken({ login: "bot" });
    await fetch(`${github.url}/repos/acme/shop`, { headers: { authorization: `Bearer ${token}` } });
    expect(github.requests.at(-1)).toMatchObject({
      method: "GET",
      path: "/repos/acme/shop",
      login: "bot",
      tokenKind: "classic",
      status: 200,
    });
    expect(JSON.stringify(github.requests)).not.toContain(token.slice(4));
  });
});

describe("people", () => {
  it("have four words for their permission and a role beside it", async () => {
    const octokit = as({ login: "bot" });
    const ask = async (username: string) => {
      const { permission, role_name } = (await octokit.rest.repos.getCollaboratorPermissionLevel({ ...repo, username }))
        .data;
      return [permission, role_name];
    };
    github.addUser("visitor");
    expect(await Promise.all(["acme", "boss", "bot", "helper", "visitor"].map(ask))).toEqual([
      ["admin", "admin"],
      ["write", "maintain"],
      ["write", "write"],
      ["read", "triage"],
      ["read", "read"],
    ]);
    await expect(ask("unheard-of")).rejects.toMatchObject({ status: 404 });
  });

  it("without triage lose the labels of their issue, silently", async () => {
    const { data } = await as({ login: "visitor" }).rest.issues.create({
      ...repo,
      title: "A",
      labels: ["auto-implement"],
    });
    expect(data.labels).toEqual([]);
    await expect(
      as({ login: "visitor" }).rest.issues.addLabels({
        ...repo,
        issue_number: data.number,
        labels: ["auto-implement"],
      }),
    ).rejects.toMatchObject({ status: 403 });
    await as({ login: "helper" }).rest.issues.addLabels({
      ...repo,
      issue_number: data.number,
      labels: ["auto-implement"],
    });
    expect(github.lookAt(shop).issues[0]?.labels).toEqual(["auto-implement"]);
  });

  it("without admin rights see no hooks", async () => {
    await expect(as({ login: "helper" }).rest.repos.listWebhooks(repo)).rejects.toMatchObject({
      status: 404,
    });
  });
});

describe("pull requests", () => {
  it("become ready by GraphQL only", async () => {
    const octokit = as({ login: "bot" });
    const pull = await openPull(octokit, "x", true);
    const mutation =
      "mutation($id: ID!) { markPullRequestReadyForReview(input: { pullRequestId: $id }) { pullRequest { isDraft } } }";
    const answer = await octokit.graphql(mutation, { id: pull.node_id });
    expect(answer).toMatchObject({
      markPullRequestReadyForReview: { pullRequest: { isDraft: false } },
    });
    expect(github.lookAt(shop).pulls[0]).toMatchObject({ isDraft: false });
    const other = octokit.graphql(
      'mutation { convertPullRequestToDraft(input: { pullRequestId: "x" }) { clientMutationId } }',
    );
    await expect(other).rejects.toThrow(/only marks pull requests ready/);
  });

  it("follow their branch, close with it, and do not reopen without it", async () => {
    const octokit = as({ login: "bot" });
    const pull = await openPull(octokit);
    const sha = await github.pushFiles({
      repo: shop,
      branch: "x",
      files: { "a.txt": "3\n" },
      by: "boss",
    });
    expect(github.lookAt(shop).pulls[0]).toMatchObject({ headSha: sha, state: "open" });
    await github.deleteBranch({ repo: shop, branch: "x" });
    expect(github.lookAt(shop).pulls[0]).toMatchObject({ state: "closed", isMerged: false });
    await expect(octokit.rest.pulls.update({ ...repo, pull_number: pull.number, state: "open" })).rejects.toMatchObject(
      { status: 422 },
    );
  });

  it("in conflict say so and are not merged", async () => {
    const octokit = as({ login: "bot" });
    const pull = await openPull(octokit);
    await github.pushFiles({ repo: shop, branch: "main", files: { "a.txt": "other\n" } });
    const { data } = await octokit.rest.pulls.get({ ...repo, pull_number: pull.number });
    expect(data).toMatchObject({ mergeable: false, mergeable_state: "dirty" });
    await expect(octokit.rest.pulls.merge({ ...repo, pull_number: pull.number })).rejects.toMatchObject({
      status: 405,
    });
  });
});

describe("a repository", () => {
  it("that is archived takes nothing any more", async () => {
    github.archiveRepository({ repo: shop });
    await expect(as({ login: "acme" }).rest.issues.create({ ...repo, title: "A" })).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining("archived") as unknown,
    });
  });

  it("without issues answers 410", async () => {
    github.disableIssues({ repo: shop });
    await expect(as({ login: "acme" }).rest.issues.create({ ...repo, title: "A" })).rejects.toMatchObject({
      status: 410,
    });
  });

  it("pages its lists and links to the next page", async () => {
    for (let at = 0; at < 5; at++) github.openIssue({ repo: shop, author: "a", title: `I${at}` });
    const octokit = as({ login: "bot" });
    const first = await octokit.rest.issues.listForRepo({ ...repo, per_page: 2, direction: "asc" });
    expect(first.headers.link).toMatch(/page=2>; rel="next".*page=3>; rel="last"/);
    const all = await octokit.paginate(octokit.rest.issues.listForRepo, {
      ...repo,
      per_page: 2,
      direction: "asc",
    });
    expect(all.map(({ title }) => title)).toEqual(["I0", "I1", "I2", "I3", "I4"]);
  });
});

describe("planned trouble", () => {
  const look = () => fetch(`${github.url}/repos/acme/shop`);

  it("limits the rate, primary and secondary", async () => {
    github.limitPrimary({ resetAt: new Date("2026-11-21T10:30:00Z") });
    const primary = await look();
    expect([
      primary.status,
      primary.headers.get("x-ratelimit-remaining"),
      primary.headers.get("x-ratelimit-reset"),
    ]).toEqual([403, "0", "1795257000"]);
    github.limitSecondary({ retryAfterSeconds: 7 });
    const secondary = await look();
    expect([
      secondary.status,
      secondary.headers.get("retry-after"),
      ((await secondary.json()) as { message: string }).message,
    ]).toEqual([403, "7", expect.stringContaining("secondary rate limit")]);
    expect((await look()).status).toBe(200);
  });

  it("fails so many matching requests as told, and no others", async () => {
    github.failNext({ method: "GET", path: /^\/repos\/acme\/shop$/, status: 502, times: 2 });
    expect((await fetch(`${github.url}/rate_limit`)).status).toBe(200);
    expect([(await look()).status, (await look()).status, (await look()).status]).toEqual([502, 502, 200]);
  });

  it("cuts the connection before anything happened, or after it did", async () => {
    const token = github.addToken({ login: "bot" });
    const create = (title: string) =>
      fetch(`${github.url}/repos/acme/shop/issues`, {
        method: "POST",
        body: JSON.stringify({ title }),
        headers: { authorization: `Bearer ${token}` },
      });
    github.failNext({ method: "POST", path: /\/issues$/, dropConnection: true });
    await expect(create("before")).rejects.toThrow(/fetch failed/);
    github.failNext({ method: "POST", path: /\/issues$/, dropConnection: true, when: "after" });
    await expect(create("after")).rejects.toThrow(/fetch failed/);
    expect(github.lookAt(shop).issues.map(({ title }) => title)).toEqual(["after"]);
    expect(github.requests.map(({ status }) => status)).toEqual([null, null]);
  });

  it("holds one request at a breakpoint until it is released", async () => {
    const held = github.holdNext({ path: /^\/repos\/acme\/shop$/ });
    const answer = look();
    await held.arrived;
    expect(github.requests.at(-1)).toMatchObject({ status: null });
    expect((await look()).status).toBe(200);
    held.release();
    expect((await answer).status).toBe(200);
  });
});
