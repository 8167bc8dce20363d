import { mkdir } from "node:fs/promises";
import { searchPath } from "./config.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createApp } from "./github/app.ts";
import { issueHandles } from "./github/handles/issues.ts";
import { lookAt, type RepositoryView } from "./github/handles/look-at.ts";
import { pullHandles } from "./github/handles/pulls.ts";
import { repositoryHandles } from "./github/handles/repositories.ts";
import { tokenHandles } from "./github/handles/tokens.ts";
import { appHandles } from "./github/handles/apps.ts";
import { isJwt } from "./github/apps/check-jwt.ts";
import type { Hub, Token } from "./github/hub.ts";
import { rateLimits, type RateLimits } from "./github/rate-limits.ts";
import { createWebhooks, type Webhooks } from "./github/webhooks.ts";
import { listen } from "./listen.ts";

export type { Fault, Held, Hold } from "./faults.ts";
export type { IssueView, PullView, RepositoryView } from "./github/handles/look-at.ts";
export type { NewToken } from "./github/handles/tokens.ts";
export type { NewRepository } from "./github/create-repository.ts";
export type { Role, Permissions } from "./github/hub.ts";
export type { WebhookDelivery } from "./github/webhooks.ts";

/** One request as it came in; the token itself is never kept. */
export type RecordedRequest = {
  method: string;
  /** Pathname and query. */
  path: string;
  login: string | null;
  /** `app`: signed by an app itself. */
  tokenKind: Token["kind"] | "app" | null;
  /** null while it is under way, and for ever when its connection was cut. */
  status: number | null;
  at: Date;
};

/** What a person, GitHub itself or a host would do: plain functions for tests and for the demo. */
type Handles = ReturnType<typeof tokenHandles> &
  ReturnType<typeof repositoryHandles> &
  ReturnType<typeof issueHandles> &
  ReturnType<typeof pullHandles> &
  ReturnType<typeof appHandles> & {
    /** What stands in a repository now, for a test's expectations. */
    lookAt(repo: string): RepositoryView;
  };

export type Github = Handles &
  Faults &
  RateLimits & {
    /** For `GITHUB_API_URL` and for `GITHUB_URL`: REST, GraphQL (`/graphql`) and git (`/owner/name.git`) share it. */
    url: string;
    /** Bare repositories lie below it as `owner/name.git`. */
    folder: string;
    requests: RecordedRequest[];
    webhooks: Webhooks;
    close(): Promise<void>;
    [Symbol.asyncDispose](): Promise<void>;
  };

export type GithubOptions = {
  /** Where the bare repositories go; the caller removes it. */
  folder: string;
  /** 0 (default) takes a free one. */
  port?: number;
  now?: () => Date;
};

/**
 * Starts the local GitHub on loopback: about 60 REST routes over real bare repositories, git over smart HTTP,
 * webhooks with real signatures. It refuses what GitHub refuses. State lives in memory, commits on disk.
 * @example
 * await using github = await startGithub({ folder });
 * await github.createRepository({ owner: "acme", name: "shop", fromFolder: shopFolder, roles: { bot: "write" } });
 * const token = github.addToken({ login: "bot" });
 * const held = github.holdNext({ method: "POST", path: /git-receive-pack$/, when: "after" });
 */
export async function startGithub({ folder, port = 0, now = () => new Date() }: GithubOptions): Promise<Github> {
  await mkdir(folder, { recursive: true });
  let lastId = 1000;
  const hub: Hub = {
    origin: "", folder, searchPath: searchPath(), now, newId: () => ++lastId,
    users: new Map(), tokens: new Map(), repositories: new Map(), apps: { byId: new Map(), codes: new Map() },
    emit: () => {}, emitToApp: () => {}, pingApp: () => {},
  }; // prettier-ignore
  const { emit, emitToApp, pingApp, ping, redeliver, stop, ...webhooks } = createWebhooks(hub);
  Object.assign(hub, { emit, emitToApp, pingApp });
  const app = createApp(hub, { ping, redeliver });
  const { guard, ...faults } = createFaults();
  const requests: RecordedRequest[] = [];

  const server = await listen(port, async (request) => {
    const url = new URL(request.url);
    const recorded = record(hub, request, url);
    requests.push(recorded);
    const place = { method: request.method, path: recorded.path };
    const answer = await guard(place, async () => app.fetch(request));
    if (answer !== "drop") recorded.status = answer.status;
    return answer;
  });
  hub.origin = server.url;

  async function close(): Promise<void> {
    faults.clearFaults();
    await stop();
    await server.close();
  }
  return {
    ...tokenHandles(hub), ...repositoryHandles(hub, (repository, hook) => ping(repository, hook, repository.owner)),
    ...issueHandles(hub), ...pullHandles(hub), ...appHandles(hub), lookAt: (repo) => lookAt(hub, repo),
    ...faults, ...rateLimits(hub, faults), url: server.url, folder, requests, webhooks, close, [Symbol.asyncDispose]: close,
  }; // prettier-ignore
}

function record(hub: Hub, request: Request, url: URL): RecordedRequest {
  const header = request.headers.get("authorization") ?? "";
  const [scheme = "", value = ""] = header.split(/\s+/, 2);
  const secret =
    scheme.toLowerCase() === "basic"
      ? Buffer.from(value, "base64")
          .toString()
          .replace(/^[^:]*:/, "")
      : value;
  const token = hub.tokens.get(secret);
  return {
    method: request.method, path: url.pathname + url.search, login: token?.user.login ?? null,
    tokenKind: token?.kind ?? (isJwt(secret) ? "app" : null), status: null, at: hub.now(),
  }; // prettier-ignore
}
