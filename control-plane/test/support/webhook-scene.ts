import { createHmac, randomUUID } from "node:crypto";
import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { sealWebhookSecret } from "../../src/projects/webhook-secrets.ts";
import { routes as runs } from "../../src/runs/routes.ts";
import { routes as webhooks } from "../../src/webhooks/routes.ts";
import type { Kind, TestDatabase } from "./open-test-database.ts";
import { openTestApp, type TestApp, workerRoutes } from "./open-test-app.ts";
import { seedKey, seedProject, seedUser, seedWorkspace } from "./seed.ts";

export const repositoryId = 4_711;
export const webhookSecret = "it's a Secret to Everybody";

export type Sent = {
  event?: string;
  guid?: string;
  contentType?: string;
  secret?: string;
  headers?: Record<string, string>;
  project?: string;
};
export type WebhookAnswerSeen = { status: number; body: Record<string, unknown> };

export type WebhookScene = TestApp & {
  workspaceId: string;
  projectId: string;
  /** Signs and sends one delivery as GitHub does. */
  deliver(payload: unknown, sent?: Sent): Promise<WebhookAnswerSeen>;
  runs(): Promise<RunSeen[]>;
  /** An action of the member's on a run. */
  act(runId: string | undefined, request: object, headers?: Record<string, string>): Promise<WebhookAnswerSeen>;
  /** A request with the member's token. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  keyOf(role: "viewer" | "member"): Promise<string>;
};
export type RunSeen = {
  id: string;
  issue: number;
  stage: string;
  waiting_for: string | null;
  reason: string | null;
  title: string;
  job_status: string;
  cancel: { reason: string } | null;
  events: string[];
};

/** A project with a known webhook secret, and the routes that face GitHub and people. */
export async function openWebhookScene(
  options: {
    kind?: Kind;
    on?: TestDatabase;
    figures?: object;
    githubApiUrl?: string;
    repositoryId?: number;
  } = {},
): Promise<WebhookScene> {
  const test = await openTestApp({ ...options, routes: [...webhooks, ...runs, ...workerRoutes] });
  const { db, deps, app } = test;
  const workspaceId = await seedWorkspace(db);
  const projectId = await seedProject(db, {
    workspaceId,
    githubRepo: "acme/shop",
    githubRepoId: options.repositoryId ?? repositoryId,
  });
  await asSystem(db, (tx) =>
    sql`update fc.projects set webhook_secret = ${sealWebhookSecret(deps, projectId, webhookSecret)} where id = ${projectId}`.execute(
      tx,
    ),
  );
  const keyOf = async (role: "viewer" | "member") => {
    const userId = await seedUser(db, { login: `the-${role}`, workspaceId, role });
    return (await seedKey(db, { kind: "user", userId })).key;
  };
  const member = await keyOf("member");
  const ask: WebhookScene["ask"] = async (method, path, body, headers = {}) =>
    app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${member}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return {
    ...test,
    workspaceId,
    projectId,
    keyOf,
    ask,
    async act(runId, request, headers) {
      const path = `/api/runs/${idOf("prj", projectId)}/${idOf("run", runId ?? "")}/action`;
      const response = await ask("POST", path, request, headers);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async deliver(payload, sent = {}) {
      const { body, headers } = signed(payload, sent);
      const path = `/api/webhook/${sent.project ?? idOf("prj", projectId)}`;
      const response = await app.request(path, {
        method: "POST",
        headers,
        body: new Uint8Array(body),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    async runs() {
      const { rows } = await asProject(db, projectId, (tx) =>
        sql<RunSeen>`
          select r.id, r.github_issue_number as issue, r.stage, r.waiting_for, r.reason, s.title, j.status as job_status, j.cancel,
            (select array_agg(e.event order by e.seq) from fc.run_events e where e.run_id = r.id) as events
          from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id join fc.issue_snapshots s on s.id = j.snapshot_id
          order by r.started_at, r.id`.execute(tx),
      );
      return rows;
    },
  };
}

function signed(payload: unknown, sent: Sent): { body: Buffer; headers: Record<string, string> } {
  const { event = "issues", guid = randomUUID(), contentType = "application/json" } = sent;
  const json = typeof payload === "string" ? payload : JSON.stringify(payload);
  const body = Buffer.from(contentType.includes("form") ? new URLSearchParams({ payload: json }).toString() : json);
  const signature = createHmac("sha256", sent.secret ?? webhookSecret)
    .update(body)
    .digest("hex");
  const headers = {
    "content-type": contentType,
    "x-github-event": event,
    "x-github-delivery": guid,
    "x-hub-signature-256": `sha256=${signature}`,
    ...sent.headers,
  };
  return { body, headers };
}

type IssueFields = {
  action?: string;
  number?: number;
  title?: string;
  body?: string | null;
  labels?: string[];
  label?: string;
  /** Second of GitHub's clock. */
  at?: number;
  state?: string;
  changes?: object;
  repository?: { id?: number; full_name?: string };
};

/** An `issues` event with what matters, and the rest as GitHub would have it. */
export function issueEvent(fields: IssueFields = {}) {
  const { action = "opened", number = 7, labels = ["auto-implement"], at = 0 } = fields;
  return {
    action,
    issue: {
      number,
      title: fields.title ?? "The total is wrong",
      body: fields.body === undefined ? "It shows only one item." : fields.body,
      html_url: `https://github.com/acme/shop/issues/${number}`,
      user: { login: "reporter" },
      labels: labels.map((name) => ({ name })),
      state: fields.state ?? (action === "closed" ? "closed" : "open"),
      updated_at: new Date(Date.UTC(2026, 10, 21, 8, 0, at)).toISOString(),
    },
    ...(fields.label === undefined ? {} : { label: { name: fields.label } }),
    ...(fields.changes === undefined ? {} : { changes: fields.changes }),
    repository: { id: repositoryId, full_name: "acme/shop", private: false, ...fields.repository },
    sender: { login: "maintainer" },
  };
}
