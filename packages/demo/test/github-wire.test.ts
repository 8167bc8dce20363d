import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Github, startGithub } from "../src/github-server.ts";
import { claimsNow, signJwt } from "./sign-jwt.ts";
import { openWireCheck, type WireCheck } from "./wire/check-wire.ts";

let folder: string;
let github: Github;
let wire: WireCheck;
const repo = { owner: "acme", repo: "shop" };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "github-wire-"));
  github = await startGithub({ folder });
  wire = await openWireCheck();
  await github.createRepository({
    owner: "acme",
    name: "shop",
    ownerType: "Organization",
    files: { "a.txt": "1\n", "bin.dat": Buffer.from([0, 1, 2]) },
    roles: { bot: "admin", reader: "read" },
  });
});
afterAll(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

describe("the wire, as GitHub describes it", () => {
  it("speaks of the repository, its people and the caller", async () => {
    const octokit = wire.octokit(github.url, github.addToken({ login: "bot" }));
    await octokit.rest.rateLimit.get();
    const { data: caller } = await octokit.rest.users.getAuthenticated();
    const { data: same } = await octokit.request("GET /user/{account_id}", { account_id: caller.id });
    expect(same).toMatchObject({ login: "bot", id: caller.id });
    await octokit.rest.repos.get(repo);
    await octokit.rest.repos.listCollaborators(repo);
    await octokit.rest.repos.checkCollaborator({ ...repo, username: "bot" });
    const { data } = await octokit.rest.repos.getCollaboratorPermissionLevel({
      ...repo,
      username: "reader",
    });
    expect(data).toMatchObject({ permission: "read", role_name: "read" });
    await octokit.rest.repos.getContent({ ...repo, path: "a.txt" });
    await expect(octokit.rest.repos.getContent({ ...repo, path: "b.txt" })).rejects.toMatchObject({
      status: 404,
    });
    await expect(wire.octokit(github.url, "ghp_wrong").rest.repos.get(repo)).rejects.toMatchObject({
      status: 401,
    });
    await expect(octokit.rest.repos.get({ owner: "acme", repo: "nothing" })).rejects.toMatchObject({
      status: 404,
    });
  });

  it("speaks of issues, comments and labels", async () => {
    const octokit = wire.octokit(github.url, github.addToken({ login: "bot" }));
    const { data: issue } = await octokit.rest.issues.create({
      ...repo,
      title: "Wrong total",
      body: "3 mugs",
      labels: ["auto-implement"],
    });
    const one = { ...repo, issue_number: issue.number };
    await octokit.rest.issues.get(one);
    await octokit.rest.issues.update({ ...one, title: "Wrong total of 3" });
    await octokit.rest.issues.listForRepo({
      ...repo,
      labels: "auto-implement",
      since: issue.updated_at,
      state: "open",
      sort: "updated",
      direction: "asc",
      per_page: 100,
    });
    const { data: comment } = await octokit.rest.issues.createComment({ ...one, body: "Seen." });
    await octokit.rest.issues.getComment({ ...repo, comment_id: comment.id });
    await octokit.rest.issues.updateComment({
      ...repo,
      comment_id: comment.id,
      body: "Seen twice.",
    });
    expect((await octokit.rest.issues.listComments(one)).data).toMatchObject([{ body: "Seen twice." }]);
    await octokit.rest.issues.createLabel({
      ...repo,
      name: "in-progress",
      color: "fbca04",
      description: "An agent works on it",
    });
    await expect(
      octokit.rest.issues.createLabel({ ...repo, name: "In-Progress", color: "fbca04" }),
    ).rejects.toMatchObject({ status: 422 });
    await octokit.rest.issues.getLabel({ ...repo, name: "in-progress" });
    await octokit.rest.issues.listLabelsForRepo(repo);
    await octokit.rest.issues.addLabels({ ...one, labels: ["in-progress"] });
    await octokit.rest.issues.removeLabel({ ...one, name: "auto-implement" });
    const { data: events } = await octokit.rest.issues.listEvents(one);
    expect(events.map((entry) => [entry.event, "label" in entry && entry.label.name, entry.actor?.login])).toEqual([
      ["labeled", "auto-implement", "bot"],
      ["labeled", "in-progress", "bot"],
      ["unlabeled", "auto-implement", "bot"],
    ]);
    await expect(octokit.rest.issues.removeLabel({ ...one, name: "auto-implement" })).rejects.toMatchObject({
      status: 404,
    });
    await octokit.rest.issues.setLabels({ ...one, labels: ["preview-pending"] });
    expect((await octokit.rest.issues.listLabelsOnIssue(one)).data.map(({ name }) => name)).toEqual([
      "preview-pending",
    ]);
    const { data: closed } = await octokit.rest.issues.update({
      ...one,
      state: "closed",
      state_reason: "not_planned",
    });
    expect(closed).toMatchObject({
      state: "closed",
      state_reason: "not_planned",
      closed_by: { login: "bot" },
    });
  });

  it("speaks of refs, commits and pull requests", async () => {
    const octokit = wire.octokit(github.url, github.addToken({ login: "bot" }));
    const { data: main } = await octokit.rest.repos.getBranch({ ...repo, branch: "main" });
    await octokit.rest.git.createRef({ ...repo, ref: "refs/heads/x", sha: main.commit.sha });
    await expect(
      octokit.rest.git.createRef({ ...repo, ref: "refs/heads/x", sha: main.commit.sha }),
    ).rejects.toMatchObject({ status: 422 });
    const head = { ...repo, title: "X", head: "x", base: "main" };
    await expect(octokit.rest.pulls.create(head)).rejects.toMatchObject({ status: 422 });
    const sha = await github.pushFiles({
      repo: "acme/shop",
      branch: "x",
      files: { "a.txt": "1\n2\n", "b/c.txt": "new\n", "bin.dat": Buffer.from([0, 3]) },
    });
    await octokit.rest.git.getRef({ ...repo, ref: "heads/x" });
    github.addRule({ repo: "acme/shop", branches: "x", type: "required_signatures" });
    github.addRule({
      repo: "acme/shop",
      branches: "x",
      type: "branch_name_pattern",
      parameters: { operator: "starts_with", pattern: "x", negate: false, name: "" },
    });
    github.addRule({ repo: "acme/shop", branches: "other", type: "creation" });
    const rules = await octokit.rest.repos.getBranchRules({ ...repo, branch: "x" });
    expect(rules.data.map(({ type }) => type)).toEqual(["required_signatures", "branch_name_pattern"]);
    await octokit.rest.git.listMatchingRefs({ ...repo, ref: "heads/" });
    await octokit.rest.repos.getCommit({ ...repo, ref: sha });
    const { data: pull } = await octokit.rest.pulls.create({
      ...head,
      body: "Refs #1",
      draft: true,
    });
    const one = { ...repo, pull_number: pull.number };
    const { data: got } = await octokit.rest.pulls.get(one);
    expect(got).toMatchObject({
      draft: true,
      mergeable: true,
      commits: 1,
      additions: 2,
      changed_files: 3,
      head: { sha },
    });
    await octokit.rest.pulls.list({ ...repo, head: "acme:x", state: "all" });
    await octokit.rest.pulls.update({ ...one, title: "X2" });
    const { data: files } = await octokit.rest.pulls.listFiles(one);
    expect(files.map(({ filename, status, patch }) => [filename, status, patch?.slice(0, 2)])).toEqual([
      ["a.txt", "modified", "@@"],
      ["b/c.txt", "added", "@@"],
      ["bin.dat", "modified", undefined],
    ]);
    await expect(octokit.rest.pulls.merge(one)).rejects.toMatchObject({ status: 405 });
    await expect(octokit.rest.pulls.checkIfMerged(one)).rejects.toMatchObject({ status: 404 });
    await expect(octokit.rest.git.updateRef({ ...repo, ref: "heads/x", sha: main.commit.sha })).rejects.toMatchObject({
      status: 422,
    });
    await octokit.rest.git.updateRef({ ...repo, ref: "heads/x", sha, force: true });
    await octokit.rest.git.createRef({ ...repo, ref: "refs/heads/y", sha });
    const { data: second } = await octokit.rest.pulls.create({ ...head, head: "y" });
    const stateOf = async () =>
      (await octokit.rest.pulls.get({ ...repo, pull_number: second.number })).data.mergeable_state;
    github.createStatus({ repo: "acme/shop", sha, state: "pending" });
    expect(await stateOf()).toBe("unstable");
    github.createStatus({ repo: "acme/shop", sha, state: "success" });
    expect(await stateOf()).toBe("clean");
    await octokit.rest.pulls.merge({ ...repo, pull_number: second.number, merge_method: "squash" });
    await octokit.rest.git.deleteRef({ ...repo, ref: "heads/y" });
    const compared = async (basehead: string) =>
      (await octokit.rest.repos.compareCommitsWithBasehead({ ...repo, basehead })).data;
    expect(await compared(`${main.commit.sha}...${sha}`)).toMatchObject({ status: "ahead", ahead_by: 1, behind_by: 0 });
    expect(await compared(`${sha}...${main.commit.sha}`)).toMatchObject({ status: "behind", behind_by: 1 });
    expect(await compared(`${sha}...${sha}`)).toMatchObject({ status: "identical", commits: [] });
    github.createCheckRun({ repo: "acme/shop", sha, name: "test" });
    await octokit.rest.repos.listCommitStatusesForRef({ ...repo, ref: sha });
    await octokit.rest.repos.getCombinedStatusForRef({ ...repo, ref: sha });
    await octokit.rest.checks.listForRef({ ...repo, ref: sha });
  });

  it("speaks of deployments and hooks", async () => {
    const octokit = wire.octokit(github.url, github.addToken({ login: "bot" }));
    const { data: deployment } = await octokit.rest.repos.createDeployment({
      ...repo,
      ref: "main",
      environment: "Preview",
    });
    const one = { ...repo, deployment_id: (deployment as { id: number }).id };
    await octokit.rest.repos.createDeploymentStatus({
      ...one,
      state: "success",
      environment_url: "https://preview.example.com",
    });
    await octokit.rest.repos.listDeployments({ ...repo, environment: "Preview" });
    await octokit.rest.repos.listDeploymentStatuses(one);
    const config = { url: `${github.url}/nobody-listens`, content_type: "json", secret: "s3cret" };
    const { data: hook } = await octokit.rest.repos.createWebhook({
      ...repo,
      config,
      events: ["issues"],
    });
    await expect(octokit.rest.repos.createWebhook({ ...repo, config })).rejects.toMatchObject({
      status: 422,
    });
    const of = { ...repo, hook_id: hook.id };
    await octokit.rest.repos.pingWebhook(of);
    await github.webhooks.settled();
    await octokit.rest.repos.updateWebhook({ ...of, add_events: ["pull_request"] });
    await octokit.rest.repos.getWebhook(of);
    await octokit.rest.repos.listWebhooks(repo);
    const { data: deliveries } = await octokit.rest.repos.listWebhookDeliveries(of);
    expect(deliveries).toMatchObject([{ event: "ping", status_code: 404 }, { event: "ping" }]);
    const delivery_id = deliveries[0]!.id;
    await octokit.rest.repos.getWebhookDelivery({ ...of, delivery_id });
    await octokit.rest.repos.redeliverWebhookDelivery({ ...of, delivery_id });
    await octokit.rest.repos.deleteWebhook(of);
  });

  it("speaks of apps, their installations and their deliveries", async () => {
    const { clickNew, ...app } = await startManifest();
    const bare = wire.octokit(github.url);
    const { data: made } = await bare.rest.apps.createFromManifest({ code: await clickNew() });
    await expect(bare.rest.apps.createFromManifest({ code: "used" })).rejects.toMatchObject({ status: 404 });
    const octokit = wire.octokit(github.url, signJwt(made.pem, claimsNow(made.id)));
    await octokit.rest.apps.getAuthenticated();
    const { id } = github.installApp({ app: app.slug, repositories: ["acme/shop"] });
    const of = { installation_id: id };
    expect((await octokit.rest.apps.listInstallations()).data).toMatchObject([{ id, account: { login: "acme" } }]);
    await octokit.rest.apps.getInstallation(of);
    await octokit.rest.apps.getRepoInstallation(repo);
    const { data: shop } = await wire.octokit(github.url, github.addToken({ login: "bot" })).rest.repos.get(repo);
    const { data: minted } = await octokit.rest.apps.createInstallationAccessToken({
      ...of, repository_ids: [shop.id], permissions: { contents: "read" },
    }); // prettier-ignore
    await expect(octokit.rest.apps.createInstallationAccessToken({ ...of, repository_ids: [1] })).rejects.toMatchObject(
      {
        status: 422,
      },
    );
    const its = wire.octokit(github.url, minted.token);
    await its.rest.apps.listReposAccessibleToInstallation();
    await its.rest.apps.revokeInstallationAccessToken();
    const person = wire.octokit(github.url, await userTokenOf(made));
    await person.rest.apps.listInstallationsForAuthenticatedUser();
    await person.rest.apps.listInstallationReposForAuthenticatedUser(of);
    await octokit.rest.apps.suspendInstallation(of);
    await expect(octokit.rest.apps.createInstallationAccessToken(of)).rejects.toMatchObject({ status: 403 });
    await octokit.rest.apps.unsuspendInstallation(of);
    await github.webhooks.settled();
    await octokit.rest.apps.getWebhookConfigForApp();
    const { data: deliveries } = await octokit.rest.apps.listWebhookDeliveries();
    expect(deliveries.map(({ event, action }) => [event, action])).toEqual([
      ["installation", "unsuspend"], ["installation", "suspend"], ["installation", "created"], ["ping", null],
    ]); // prettier-ignore
    const one = { delivery_id: deliveries[0]!.id };
    await octokit.rest.apps.getWebhookDelivery(one);
    await octokit.rest.apps.redeliverWebhookDelivery(one);
    await octokit.rest.apps.deleteInstallation(of);
    await expect(octokit.rest.apps.getInstallation(of)).rejects.toMatchObject({ status: 404 });
  });

  it("has shown every operation that was cut", () => {
    expect(wire.operations.filter((name) => !wire.seen.has(name))).toEqual([]);
    expect(wire.operations.length).toBeGreaterThanOrEqual(69);
  });
});

const callback = "http://127.0.0.1:9/callback";

/** What a browser does at GitHub's page for a manifest. */
async function startManifest() {
  const manifest = {
    name: "Wire", url: "http://127.0.0.1:9", hook_attributes: { url: `${github.url}/nobody-listens` }, redirect_url: callback,
    callback_urls: [callback], default_events: ["issues"], default_permissions: { contents: "write" },
  }; // prettier-ignore
  const click = async () => {
    const answer = await fetch(`${github.url}/settings/apps/new`, {
      method: "POST",
      headers: { ...github.browserOf("bot"), "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ manifest: JSON.stringify(manifest) }).toString(),
      redirect: "manual",
    });
    return new URL(answer.headers.get("location") ?? "").searchParams.get("code") ?? "";
  };
  return { slug: "wire", clickNew: click };
}

async function userTokenOf({
  client_id,
  client_secret,
}: {
  client_id: string;
  client_secret: string;
}): Promise<string> {
  const query = new URLSearchParams({ client_id, redirect_uri: callback });
  const asked = await fetch(`${github.url}/login/oauth/authorize?${query.toString()}`, {
    headers: github.browserOf("bot"),
    redirect: "manual",
  });
  const code = new URL(asked.headers.get("location") ?? "").searchParams.get("code") ?? "";
  const body = new URLSearchParams({ client_id, client_secret, code, redirect_uri: callback });
  const answer = await fetch(`${github.url}/login/oauth/access_token`, { method: "POST", body });
  return ((await answer.json()) as { access_token: string }).access_token;
}
