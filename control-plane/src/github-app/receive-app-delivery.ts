import type { AppWebhookAnswer } from "@feedback-chat/protocol/github-app";
import { Problem } from "@feedback-chat/protocol/problem";
import type { WebhookAnswer } from "@feedback-chat/protocol/webhook";
import { sql } from "kysely";
import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asProject, asSystem } from "../platform/as-tenant.ts";
import { takeTurn } from "../platform/take-turn.ts";
import { findProject } from "../webhooks/find-project.ts";
import { decodeBody, readPayload } from "../webhooks/payload.ts";
import { type Arrived, takeDelivery } from "../webhooks/take-delivery.ts";
import { toWebhookAnswer } from "../webhooks/to-webhook-answer.ts";
import { isSignedBy } from "../webhooks/verify-signature.ts";
import { openApp } from "./open-app.ts";
import { refreshAccess } from "./refresh-access.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config" | "now" | "log">;
type Incoming = { bytes: Buffer; header(name: string): string | undefined };
type Envelope = z.infer<typeof envelope>;

const identified = z.object({ id: z.int() });
const envelope = z.object({
  action: z.string().max(100).optional(),
  installation: identified.optional(),
  repository: identified.optional(),
  repositories_removed: z.array(identified).optional(),
});

/** After these the App may serve a repository no more, or again. */
const ofAccess = new Set(["installation", "installation_repositories", "installation_target"]);
const endings = new Set(["transferred", "deleted"]);

/**
 * Takes one delivery of the App's webhook, proven by the App's secret over the bytes as they came, and gives it to each
 * project that is connected to its repository by that installation: a transaction each, so that a second try of GitHub
 * finds done what is done.
 * @throws Problem bad_signature (no App gives the same), bad_payload, rate_limited, github_unreachable
 */
export async function receiveAppDelivery(deps: Deps, { bytes, header }: Incoming): Promise<AppWebhookAnswer> {
  const app = await openApp(deps);
  if (!isSignedBy(app ? [app.webhookSecret] : [], bytes, header("x-hub-signature-256")) || !app)
    throw new Problem("bad_signature", "The request is not signed with the App's webhook secret.");
  const arrived = arrivedOf(bytes, header);
  const about = readPayload(envelope, decodeBody(bytes, arrived.contentType));
  const answer = await answerTo(deps, arrived, about);
  await noteTaken(deps, arrived, about);
  return answer;
}

function arrivedOf(bytes: Buffer, header: Incoming["header"]): Arrived {
  const guid = header("x-github-delivery") ?? "";
  const event = header("x-github-event") ?? "";
  if (!/^[\w-]{1,100}$/.test(guid) || !/^\w{1,60}$/.test(event))
    throw new Problem("bad_payload", "X-GitHub-Delivery or X-GitHub-Event is missing.");
  return { guid, event, contentType: header("content-type") ?? "", bytes, isReplayed: false, way: "app" };
}

async function answerTo(deps: Deps, arrived: Arrived, about: Envelope): Promise<AppWebhookAnswer> {
  const { event } = arrived;
  if (event === "ping") return { status: "pong", answers: [] };
  if (ofAccess.has(event)) {
    const removed = about.repositories_removed?.map(({ id }) => id) ?? null;
    if (about.installation) await refreshAccess(deps, { installationId: about.installation.id, removed });
    return { status: "taken", reason: "the projects' access was looked at", answers: [] };
  }
  if (!about.repository) return { status: "ignored", reason: "it names no repository", answers: [] };
  const answers: WebhookAnswer[] = [];
  for (const projectId of await connectedProjects(deps, about)) answers.push(await take(deps, projectId, arrived));
  if (event === "repository" && endings.has(about.action ?? "")) await refreshServing(deps, about.repository.id);
  if (answers.length === 0) return { status: "ignored", reason: "no project is connected to this repository", answers };
  return { status: "taken", answers };
}

/** After a move or an end: whichever installation served the repository before. */
async function refreshServing(deps: Deps, repositoryId: number): Promise<void> {
  const { rows } = await asSystem(deps.db, (tx) =>
    sql<{ id: string }>`select distinct github_installation_id as id from fc.projects
      where github_repo_id = ${repositoryId} and github_access <> 'removed' and deleted_at is null`.execute(tx),
  );
  for (const { id } of rows) await refreshAccess(deps, { installationId: Number(id), removed: [repositoryId] });
}

/** As the system: one repository may be of projects of several workspaces, each of which proved its right to it. */
async function connectedProjects({ db }: Deps, { repository, installation }: Envelope): Promise<string[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<{ id: string }>`select id from fc.projects where github_repo_id = ${repository?.id ?? 0}
      and github_installation_id = ${installation?.id ?? 0} and github_access <> 'removed' and deleted_at is null order by id`.execute(
      tx,
    ),
  );
  return rows.map(({ id }) => id);
}

function take(deps: Deps, projectId: string, arrived: Arrived): Promise<WebhookAnswer> {
  return asProject(deps.db, projectId, async (tx) => {
    // The same turn as the project's own webhook: of an event that comes by both, one waits here for the other's end.
    await takeTurn(tx, `webhooks:${projectId}`, deps.config.limits.webhooksPerMinute);
    const project = await findProject(tx, projectId);
    if (!project) return { status: "ignored", reason: "the project is gone" };
    return toWebhookAnswer(await takeDelivery(tx, deps, project, arrived));
  });
}

/** Last of all: what failed before is not in this list, and GitHub is asked for it again. */
async function noteTaken({ db }: Deps, { guid, event }: Arrived, about: Envelope): Promise<void> {
  await asSystem(db, (tx) =>
    sql`with heard as (update fc.github_app set heard_at = now())
      insert into fc.github_app_deliveries (guid, event, action, installation_id, repository_id)
      values (${guid}, ${event}, ${about.action ?? null}, ${about.installation?.id ?? null}, ${about.repository?.id ?? null})
      on conflict (guid) do nothing`.execute(tx),
  );
}
