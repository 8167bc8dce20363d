import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Evidence, evidence } from "@feedback-chat/protocol/evidence";
import { addressOf } from "@feedback-chat/protocol/operation";
import {
  getRunsProjectId, getRunsRunIdArtifactsName, postProjects, postProjectsProjectIdCredentials,
  postWorkspacesWorkspaceIdMembers,
} from "@feedback-chat/protocol/operations"; // prettier-ignore
import type { CreateProjectAnswer, CredentialType } from "@feedback-chat/protocol/project";
import { Problem } from "@feedback-chat/protocol/problem";
import { execa } from "execa";
import type { CommandContext } from "../command.ts";
import { renderEvent } from "../core/render-event.ts";
import { type ApiClient, clientOf } from "./api-client.ts";
import { cleanText } from "./clean-text.ts";
import { ensureBubblewrap } from "./ensure-bubblewrap.ts";
import { findEngineFor } from "./find-engine.ts";
import { findPart } from "./find-part.ts";
import type { ChildEvent } from "./start-child.ts";
import { type ControlPlane, startControlPlane } from "./start-control-plane.ts";
import { createWorkerKey, startLocalWorker } from "./start-local-worker.ts";
import { type Owner, takeOwner } from "./take-owner.ts";
import type { Tale } from "./tell-demo.ts";

type GithubEntry = typeof import("@feedback-chat/demo/github-server");
type ModelEntry = typeof import("@feedback-chat/demo/model-server");
type ShopEntry = typeof import("@feedback-chat/demo/shop");
type Github = Awaited<ReturnType<GithubEntry["startGithub"]>>;
type Input = { liveKey: string | undefined; isKept: boolean; isOffline: boolean; tale: Tale };

const repo = "demo/shop";

export type DemoWorld = AsyncDisposable & {
  /** A real user of the control plane, role member. */
  maintainer: ApiClient;
  gitDir: string;
  fileFeedback(): { number: number };
  firstRun(signal: AbortSignal): Promise<string>;
  artifactsOf(runId: string): Promise<{ evidence: Evidence; diff: string }>;
  pullDiff(branch: string): Promise<string>;
  pullRequest(branch: string): { number: number; title: string; body: string };
  /** Time in which the scripted model was at work; null for a live one, which we do not see. */
  modelMs(): number | null;
  stayUp(signal: AbortSignal): Promise<void>;
};

/** Starts everything that the demo needs, each part as it runs in production; only GitHub's and the model's servers are local. */
export async function openDemoWorld(context: CommandContext, input: Input): Promise<DemoWorld> {
  await ensureBubblewrap(context, process.platform);
  const parts = await findParts(context, input.isOffline);
  const folder = makeFolder();
  await using opened = new AsyncDisposableStack();
  if (!input.isKept) opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const ends = await startFarEnds({ parts, opened, folder }, input);
  const { plane, owner, maintainer, project } = await startOurs({ context, parts, opened, folder }, ends, input);
  const owned = opened.move();
  return {
    maintainer,
    gitDir: ends.gitDir,
    fileFeedback: () => ends.github.openIssue({ repo, author: "feedback-app", ...parts.shop.shopFeedback }),
    firstRun: (signal) => firstRun(maintainer, project.project.id, signal),
    artifactsOf: (runId) => readArtifacts(maintainer, runId),
    pullDiff: async (branch) => (await execa("git", [`--git-dir=${ends.gitDir}`, "diff", `HEAD...${branch}`])).stdout,
    pullRequest: (branch) => pullOf(ends.github, branch),
    modelMs: () => ends.model?.busyMs() ?? null,
    async stayUp(signal) {
      input.tale.note(`dashboard ${plane.url}  login ${owner.email}  password ${owner.password}`);
      input.tale.note(`folder ${folder} stays; Ctrl-C ends the demo`);
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function pullOf(github: Github, branch: string): { number: number; title: string; body: string } {
  const pull = github.lookAt(repo).pulls.find(({ head }) => head === branch);
  if (!pull) throw new Error(`GitHub has no pull request of ${branch}`);
  const { number, title, body } = pull;
  return { number, title, body: body ?? "" };
}

type Parts = Awaited<ReturnType<typeof findParts>>;
type FarEnds = Awaited<ReturnType<typeof startFarEnds>>;

/** GitHub with the shop, and the model: the two servers that no machine here reaches. */
async function startFarEnds(
  { parts, opened, folder }: { parts: Parts; opened: AsyncDisposableStack; folder: string },
  { tale, liveKey }: Input,
) {
  const github = opened.use(await parts.github.startGithub({ folder: join(folder, "github") }));
  const { gitDir } = await github.createRepository({
    owner: "demo",
    name: "shop",
    fromFolder: parts.shop.shopFolder,
    roles: { "feedback-app": "triage", "pipeline-bot": "write" },
  });
  tale.step("github", `a local GitHub with the demo shop: ${github.url}/${repo}`);
  const model = liveKey ? undefined : opened.use(await parts.model.startModel({ scenario: "fix-cart" }));
  tale.step("model", liveKey ? "Anthropic's API, with your key" : `a scripted model: ${model?.url}`);
  return { github, gitDir, model };
}

type OursDeps = {
  context: CommandContext;
  parts: Parts;
  opened: AsyncDisposableStack;
  folder: string;
};

/** Control plane and worker as processes, and between them what a person sets up in the first minutes. */
async function startOurs(
  { context, parts, opened, folder }: OursDeps,
  { github, model }: FarEnds,
  { tale, isOffline, liveKey }: Input,
) {
  const { all } = context.config;
  const environment = {
    GITHUB_API_URL: github.url,
    GITHUB_URL: github.url,
    ANTHROPIC_BASE_URL: model?.url ?? all["ANTHROPIC_BASE_URL"],
  };
  const onEvent = (event: ChildEvent) => tellTrouble(tale, event);
  const plane = opened.use(
    await startControlPlane(context, {
      env: { ...environment, PORT: "0", DATA_DIR: join(folder, "data") },
      isOffline,
      onEvent,
    }),
  );
  tale.step("server", `control plane on an embedded Postgres: ${plane.url}`);
  const made = await setUp({ plane, github, modelKey: liveKey ?? "sk-ant-demo-not-a-real-key" });
  github.addHook({ repo, url: made.project.webhook.url, secret: made.project.webhook.secret });
  tale.step(
    "project",
    `${made.project.project.id} for ${repo}; keys sealed, webhook signed; demo-maintainer has the role member`,
  );
  const workerKey = await createWorkerKey(clientOf(plane.url, made.owner.token), made.owner.workspaceId, "demo");
  const env = {
    ...clean(all),
    ...environment,
    ...parts.engine,
    FEEDBACK_CHAT_DATA: join(folder, "worker"),
  };
  opened.use(await startLocalWorker({ url: plane.url, workerKey, env, isOffline, onEvent, signal: context.signal }));
  tale.step("worker", "its self-test has shown that the sandbox holds; it waits for a job");
  return { plane, ...made };
}

async function readArtifacts(api: ApiClient, runId: string): Promise<{ evidence: Evidence; diff: string }> {
  const read = (name: string) =>
    api.stream(addressOf(getRunsRunIdArtifactsName, { params: { runId, name } }), {}, AbortSignal.timeout(30_000));
  const [diff, told] = [await read("diff.patch"), await read("evidence.json")];
  return { evidence: evidence.parse(await told.json()), diff: await diff.text() };
}

async function findParts(context: CommandContext, isOffline: boolean) {
  const demo = await findPart(context, "@feedback-chat/demo", isOffline);
  const agent = await findPart(context, "@feedback-chat/agent", isOffline);
  return {
    github: await demo.load<GithubEntry>("github-server"),
    model: await demo.load<ModelEntry>("model-server"),
    shop: await demo.load<ShopEntry>("shop"),
    engine: await findEngineFor(context, agent, isOffline),
  };
}

/** Below the system's temporary folder; the sandbox's own user has to get through it, to nothing else. */
function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-demo-"));
  chmodSync(folder, 0o711);
  return folder;
}

/** What a person does in the first minutes, through the same routes. */
async function setUp({
  plane,
  github,
  modelKey,
}: {
  plane: ControlPlane;
  github: Github;
  modelKey: string;
}): Promise<{ owner: Owner; maintainer: ApiClient; project: CreateProjectAnswer }> {
  const owner = await takeOwner(plane.url, plane.ownerCode ?? "");
  const api = clientOf(plane.url, owner.token);
  const member = {
    email: "maintainer@example.com",
    login: "demo-maintainer",
    name: "Demo maintainer",
    role: "member" as const,
    wantsCliToken: true,
    machine: "demo",
  };
  const { cliToken } = await api.call(postWorkspacesWorkspaceIdMembers, {
    params: { workspaceId: owner.workspaceId },
    body: member,
  });
  const token = github.addToken({ login: "pipeline-bot" });
  const project = await api.call(postProjects, { body: { name: "Demo shop", githubRepo: repo } });
  const params = { projectId: project.project.id };
  const keep = (type: CredentialType, value: string) =>
    api.call(postProjectsProjectIdCredentials, { params, body: { type, value } });
  await keep("github_token", token);
  await keep("anthropic_api_key", modelKey);
  return { owner, maintainer: clientOf(plane.url, cliToken), project };
}

async function firstRun(api: ApiClient, projectId: string, signal: AbortSignal): Promise<string> {
  const patience = AbortSignal.timeout(60_000);
  for (;;) {
    const { items } = await api.call(getRunsProjectId, { params: { projectId }, query: { limit: 1 } });
    if (items[0]) return items[0].id;
    signal.throwIfAborted();
    if (patience.aborted) throw new Problem("run_failed", "The webhook came to nothing: no run within 60 s.");
    await new Promise((again) => {
      setTimeout(again, 20);
    });
  }
}

/** The worker gets its keys from the control plane, sealed: none of the user's own goes into the demo. */
function clean(environment: Record<string, string | undefined>): Record<string, string | undefined> {
  const {
    ANTHROPIC_API_KEY: _a,
    CLAUDE_CODE_OAUTH_TOKEN: _b,
    GITHUB_TOKEN: _c,
    FEEDBACK_CHAT_TOKEN: _d,
    ...rest
  } = environment;
  return rest;
}

function tellTrouble(tale: Tale, event: ChildEvent): void {
  const { level } = event;
  if (level === "warn" || level === "error") tale.note(cleanText(renderEvent(event)));
}
