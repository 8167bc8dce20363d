import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Github, startGithub } from "../src/github-server.ts";
import { makeApp } from "./make-app.ts";

type Json = Record<string, unknown>;
type Received = {
  headers: Record<string, string | string[] | undefined>;
  body: string;
  payload: Json;
};
const require = createRequire(import.meta.url);
const examples = require("@octokit/webhooks-examples/api.github.com/index.json") as {
  name: string;
  examples: Json[];
}[];

let folder: string;
let github: Github;
let received: Received[];
let receiver: { url: string; close(): void };
const repo = "acme/shop";
const secret = "It's a Secret to Everybody";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "github-webhooks-"));
  github = await startGithub({ folder });
  received = [];
  receiver = await startReceiver(received);
  await github.createRepository({
    owner: "acme",
    name: "shop",
    files: { "a.txt": "1\n" },
    roles: { bot: "write" },
  });
});
afterEach(async () => {
  await github.close();
  receiver.close();
  await rm(folder, { recursive: true });
});

const listen = (hook: { contentType?: "json" | "form"; events?: string[] } = {}) =>
  github.addHook({ repo, url: receiver.url, secret, ...hook });
const told = () =>
  received.map(({ headers, payload }) => [headers["x-github-event"], payload["action"]].filter(Boolean).join("."));

describe("webhooks", () => {
  it("signs the raw bytes and names each delivery with its own GUID", async () => {
    const hookId = listen();
    github.openIssue({ repo, author: "visitor", title: "Umlauts äöü", labels: ["auto-implement"] });
    await github.webhooks.settled();
    for (const { headers, body, payload } of received) {
      expect(headers["x-hub-signature-256"]).toBe(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
      expect(headers["x-github-delivery"]).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      );
      expect(headers).toMatchObject({
        "x-github-hook-id": String(hookId),
        "x-github-hook-installation-target-type": "repository",
        "x-github-hook-installation-target-id": String(
          (payload["repository"] as { id?: number } | undefined)?.id ?? hookId,
        ),
        "content-type": "application/json",
      });
      expect(headers["user-agent"]).toMatch(/^GitHub-Hookshot\//);
    }
    expect(new Set(received.map(({ headers }) => headers["x-github-delivery"])).size).toBe(3);
  });

  it("tells an issue born with labels as opened and one labeled for each", async () => {
    listen();
    github.openIssue({
      repo,
      author: "visitor",
      title: "A",
      labels: ["feedback-bot", "auto-implement"],
    });
    await github.webhooks.settled();
    expect(told()).toEqual(["ping", "issues.opened", "issues.labeled", "issues.labeled"]);
    expect(received[1]!.payload).toMatchObject({
      issue: { labels: [{ name: "feedback-bot" }, { name: "auto-implement" }] },
    });
  });

  it("sends a form when the hook says so, signed as it is sent", async () => {
    listen({ contentType: "form", events: ["issues"] });
    github.openIssue({ repo, author: "visitor", title: "A & B" });
    await github.webhooks.settled();
    const { headers, body } = received[1]!;
    expect(headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(headers["x-hub-signature-256"]).toBe(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
    expect(JSON.parse(new URLSearchParams(body).get("payload")!)).toMatchObject({
      issue: { title: "A & B" },
    });
  });

  it("sends only what the hook listens to", async () => {
    listen({ events: ["pull_request"] });
    github.openIssue({ repo, author: "visitor", title: "A" });
    await github.webhooks.settled();
    expect(told()).toEqual(["ping"]);
  });

  it("holds, reorders, loses, repeats and redelivers", async () => {
    const hookId = listen({ events: ["issues"] });
    await github.webhooks.settled();
    github.webhooks.hold();
    github.openIssue({ repo, author: "visitor", title: "A", labels: ["x"] });
    await github.webhooks.settled();
    expect(told()).toEqual(["ping"]);
    await github.webhooks.release("reversed");
    expect(told()).toEqual(["ping", "issues.labeled", "issues.opened"]);

    github.webhooks.loseNext();
    await github.closeIssue({ repo, number: 1 });
    await github.webhooks.settled();
    expect(told()).toHaveLength(3);
    const lost = github.webhooks.deliveries.at(-1)!;
    expect(lost).toMatchObject({ event: "issues", action: "closed", hookId });

    expect(await github.webhooks.deliver(lost.guid)).toBe(202);
    const authorization = `Bearer ${github.addToken({ login: "acme" })}`;
    const deliveries = `${github.url}/repos/${repo}/hooks/${hookId}/deliveries`;
    const [again] = (await (await fetch(deliveries, { headers: { authorization } })).json()) as {
      id: number;
      guid: string;
      redelivery: boolean;
    }[];
    expect(again).toMatchObject({
      guid: lost.guid,
      redelivery: true,
      status_code: 202,
      action: "closed",
    });
    const asked = await fetch(`${deliveries}/${again!.id}/attempts`, {
      method: "POST",
      headers: { authorization },
    });
    expect(asked.status).toBe(202);
    await github.webhooks.settled();
    expect(received.slice(-2).map(({ headers }) => headers["x-github-delivery"])).toEqual([lost.guid, lost.guid]);
    expect(received.at(-1)!.body).toBe(received.at(-2)!.body);
  });

  it("lists a delivery that nobody took as failed, and does not try again", async () => {
    github.addHook({ repo, url: "http://127.0.0.1:9/", secret });
    await github.webhooks.settled();
    expect(github.webhooks.deliveries).toHaveLength(1);
    expect(await github.webhooks.deliver(github.webhooks.deliveries[0]!.guid)).toBe(0);
  });

  it("keeps nobody waiting for another hook's receiver, and lists a delivery only once it was tried", async () => {
    const asked: ServerResponse[] = [];
    const silent = createServer((_, response) => asked.push(response)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const silentId = github.addHook({
      repo,
      url: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      secret,
    });
    listen({ events: ["issues"] });
    github.openIssue({ repo, author: "visitor", title: "A", labels: [] });
    await expect.poll(told).toContain("issues.opened");
    await expect.poll(() => asked.length).toBe(1);
    const authorization = `Bearer ${github.addToken({ login: "acme" })}`;
    const listed = async () => {
      const answer = await fetch(`${github.url}/repos/${repo}/hooks/${silentId}/deliveries`, {
        headers: { authorization },
      });
      return ((await answer.json()) as { event: string; status_code: number }[]).map(({ event, status_code: code }) => [
        event,
        code,
      ]);
    };
    expect(await listed()).toEqual([]);
    asked[0]?.writeHead(202).end();
    await expect.poll(listed).toEqual([["ping", 202]]);
    silent.closeAllConnections();
    silent.close();
  });
});

describe("payloads", () => {
  it("have the shape of GitHub's own examples, and what the product reads", async () => {
    await github.createRepository({ owner: "acme", name: "other", files: { "a.txt": "1\n" } });
    listen();
    await makeApp(github, { by: "acme", hookUrl: receiver.url, events: ["issues", "repository"] });
    await playEverything();
    await playInstallations();
    await github.webhooks.settled();
    const events = new Set(told());
    for (const wanted of expectedEvents) expect(events).toContain(wanted);
    for (const { headers, payload } of received) {
      const event = String(headers["x-github-event"]);
      const known = new Set(
        examples.find(({ name }) => name === event)!.examples.flatMap((example) => keyPaths(example)),
      );
      expect(
        keyPaths(payload).filter((path) => !known.has(path) && !newer.test(path)),
        `${event}.${String(payload["action"])}`,
      ).toEqual([]);
      expect(payload, event).toMatchObject(read[event] ?? {});
    }
  });
});

const expectedEvents = [
  "ping", "push", "issues.opened", "issues.labeled", "issues.unlabeled", "issues.edited", "issues.closed", "issues.reopened",
  "issues.deleted", "issues.transferred", "issue_comment.created", "pull_request.opened", "pull_request.labeled",
  "pull_request.synchronize", "pull_request.edited", "pull_request.ready_for_review", "pull_request.closed",
  "deployment.created", "deployment_status.created", "installation.created", "installation.suspend",
  "installation.unsuspend", "installation_repositories.removed", "installation_repositories.added", "installation.deleted",
  "repository.renamed", "repository.transferred",
]; // prettier-ignore

/** Keys that GitHub has added since its examples were taken, or that no example happens to show; its OpenAPI has them. */
const newer =
  /(^|\.)(auto_merge|active_lock_reason|closed_by|state_reason|reactions(\..*)?|app_slug|has_multiple_single_files|single_file_paths|draft|pull_request|merged_at|environment_url|log_url|performed_via_github_app|(transient|production)_environment|(changes|merged_by)(\..*)?)$/;

const anything = expect.anything() as unknown;
const repository = {
  id: anything,
  full_name: anything,
  default_branch: "main",
  archived: false,
  private: false,
  owner: { login: "acme" },
};
const sender = { login: anything, id: anything, type: "User" };
const read: Record<string, Json> = {
  ping: {
    zen: anything,
    hook_id: anything,
    hook: { type: expect.stringMatching(/^(Repository|App)$/) as unknown, active: true },
    sender,
  },
  issues: {
    issue: {
      id: anything,
      number: anything,
      title: anything,
      state: anything,
      labels: anything,
      user: { login: anything },
      html_url: anything,
      updated_at: anything,
    },
    repository,
    sender,
  },
  issue_comment: {
    issue: { number: anything },
    comment: { id: anything, body: anything, user: { login: anything } },
    repository,
    sender,
  },
  pull_request: {
    number: anything,
    pull_request: {
      id: anything,
      merged: expect.any(Boolean) as unknown,
      html_url: anything,
      head: { ref: "x", sha: anything },
      base: { ref: "main" },
    },
    repository,
    sender,
  },
  deployment: {
    deployment: { id: anything, sha: anything, environment: "Preview" },
    repository,
    sender,
  },
  deployment_status: {
    deployment_status: { state: "success", environment_url: "https://preview.example.com" },
    deployment: { sha: anything },
    repository,
    sender,
  },
  installation: { installation: { id: anything, account: { login: "acme" } }, sender },
  installation_repositories: { installation: { id: anything }, repositories_removed: anything, sender },
  repository: { repository: { id: anything, full_name: anything }, changes: anything, sender },
  push: { ref: anything, before: anything, after: anything, commits: anything, repository, sender },
};

async function playEverything(): Promise<void> {
  const { number } = github.openIssue({
    repo,
    author: "visitor",
    title: "A",
    body: "b",
    labels: ["x"],
  });
  await github.removeLabel({ repo, number, label: "x" });
  await github.editIssue({ repo, number, title: "B" });
  github.comment({ repo, number, body: "Seen.", by: "bot" });
  await github.closeIssue({ repo, number });
  await github.reopenIssue({ repo, number });
  github.transferIssue({ repo, number, to: "acme/other" });
  github.deleteIssue({
    repo,
    number: github.openIssue({ repo, author: "visitor", title: "C" }).number,
  });
  const sha = await github.pushFiles({ repo, branch: "x", files: { "a.txt": "2\n" } });
  const headers = { authorization: `Bearer ${github.addToken({ login: "bot" })}` };
  const body = JSON.stringify({ title: "X", head: "x", base: "main", draft: true });
  const pull = (await (await fetch(`${github.url}/repos/${repo}/pulls`, { method: "POST", headers, body })).json()) as {
    number: number;
  };
  await github.addLabel({ repo, number: pull.number, label: "y" });
  await github.editIssue({ repo, number: pull.number, body: "More" });
  await github.pushFiles({ repo, branch: "x", files: { "a.txt": "3\n" } });
  github.createDeployment({ repo, sha, environmentUrl: "https://preview.example.com" });
  await github.mergePull({ repo, number: pull.number });
}

/** What an app is told of its installations, and of what becomes of their repositories. */
async function playInstallations(): Promise<void> {
  const { id: installationId } = github.installApp({ app: "shop-helper", repositories: [repo, "acme/other"] });
  github.openIssue({ repo, author: "visitor", title: "Told to both" });
  github.suspendApp({ installationId });
  github.unsuspendApp({ installationId });
  github.removeFromInstallation({ installationId, repo });
  github.installApp({ app: "shop-helper", repositories: [repo, "acme/other"] });
  github.renameRepository({ repo: "acme/other", name: "renamed" });
  github.addHook({ repo: "acme/renamed", url: receiver.url, secret, events: ["repository"] });
  github.transferRepository({ repo: "acme/renamed", to: "globex" });
  github.uninstallApp({ installationId });
}

/** Every path of keys in a value; elements of an array share theirs, and names under `payload` are anybody's. */
function keyPaths(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((one) => keyPaths(one, path)))];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => [`${path}${key}`, ...keyPaths(one, `${path}${key}.`)]);
}

async function startReceiver(into: Received[]): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request.setEncoding("utf8")) body += chunk;
    const isForm = request.headers["content-type"]?.includes("form");
    into.push({
      headers: request.headers,
      body,
      payload: JSON.parse(isForm ? new URLSearchParams(body).get("payload")! : body) as Json,
    });
    response.writeHead(202).end("{}");
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    close: () => (server.closeAllConnections(), server.close()),
  };
}
