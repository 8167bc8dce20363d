import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Github, startGithub } from "@feedback-chat/demo/github-server";
import { setupOwnerAnswer } from "@feedback-chat/protocol/account";
import { createdKey, createProjectAnswer } from "@feedback-chat/protocol/project";
import { call, owner } from "./call-server.ts";
import { createDatabase } from "./open-test-database.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";
import { openTestWorker, type TestWorker } from "./test-worker.ts";

type Replica = { url: string; server: ServerProcess };
export type TwoReplicas = AsyncDisposable & {
  a: Replica;
  b: Replica;
  github: Github;
  token: string;
  workspaceId: string;
  workerKey: string;
  projectId: string;
  repo: string;
  /** A worker that speaks with this replica alone. */
  workerAt(replica: Replica): Promise<TestWorker>;
  /** Opens an issue at the local GitHub, whose webhook goes to replica A. */
  openIssue(): number;
};

/**
 * Two server processes, started at once on one empty Postgres database, with one project whose webhook leads to the
 * first. Looks without a signal are rare here: what comes at once came by a signal.
 */
export async function openTwoReplicas(env: Record<string, string> = {}): Promise<TwoReplicas> {
  const opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "fc-replicas-"));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const github = opened.use(await startGithub({ folder }));
  const common = {
    DATABASE_URL: await createDatabase(), MASTER_KEY: randomBytes(32).toString("base64"), GITHUB_API_URL: github.url, GITHUB_URL: github.url,
    LIMIT_REQUESTS: "100000", LIMIT_WEBHOOKS: "100000", FEEDBACK_CHAT_FIGURES: JSON.stringify({ sweepEverySeconds: 20, accessRecheckSeconds: 1 }),
    ...env,
  }; // prettier-ignore
  const servers = [startServerProcess(common), startServerProcess(common)];
  opened.defer(async () => {
    for (const { child } of servers) child.kill("SIGKILL");
    await Promise.all(servers.map(({ ended }) => ended));
  });
  const listening = await Promise.all(servers.map((server) => server.event("server.listening")));
  const [a, b] = listening.map(({ url }, index) => ({ url: String(url), server: servers[index] as ServerProcess }));
  if (!a || !b) throw new Error("Two were started.");
  const { token, workspaceId } = await becomeOwner(a, servers);
  const workerKeys = `/v1/workspaces/${workspaceId}/worker-keys`;
  const { key: workerKey } = createdKey.parse((await call(a, "POST", workerKeys, { token, body: { name: "w" } })).body);
  const repo = "acme/shop";
  await github.createRepository({ owner: "acme", name: "shop", files: { "README.md": "A shop.\n" }, roles: { bot: "write", ann: "write" } }); // prettier-ignore
  const { project, webhook } = createProjectAnswer.parse(
    (await call(a, "POST", "/v1/projects", { token, body: { name: "shop", githubRepo: repo } })).body,
  );
  await call(a, "PATCH", `/v1/projects/${project.id}`, { token, body: { maxConcurrentRuns: 100 } });
  const value = github.addToken({ login: "bot" });
  await call(a, "POST", `/v1/projects/${project.id}/credentials`, { token, body: { type: "github_token", value } });
  github.addHook({ repo, url: `${a.url}/api/webhook/${project.id}`, secret: webhook.secret });
  await github.webhooks.settled();
  return {
    a, b, github, token, workspaceId, workerKey, projectId: project.id, repo,
    workerAt: ({ url }) =>
      openTestWorker({ request: async (path, init) => fetch(`${url}${path as string}`, init) }, workerKey),
    openIssue: () =>
      github.openIssue({ repo, author: "ann", title: "The total is wrong", body: "It shows one item.", labels: ["auto-implement"] }).number,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }; // prettier-ignore
}

/** Each replica tells a code when it starts; the one that came last counts. */
async function becomeOwner(a: Replica, servers: ServerProcess[]) {
  for (const server of servers) {
    const { code } = await server.event("owner.code");
    const body = { ...owner, login: "ann", code, wantsCliToken: true };
    const answer = await call(a, "POST", "/api/setup/owner", { body });
    if (answer.status === 401) continue;
    const made = setupOwnerAnswer.parse(answer.body);
    return { token: made.cliToken ?? "", workspaceId: made.workspaceId };
  }
  throw new Error("No code was taken.");
}
