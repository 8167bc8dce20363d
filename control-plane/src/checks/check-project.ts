import { botLabel } from "@feedback-chat/agent/core/labels";
import { runSettings } from "@feedback-chat/protocol/job";
import type { ProjectCheck } from "@feedback-chat/protocol/check";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { isServed } from "../core/lease.ts";
import { type Access, connectUrl } from "../github-app/find-connection.ts";
import { type ProjectGitHub, githubFor } from "../github/github-for.ts";
import { githubTrouble } from "../github/github-trouble.ts";
import { ignoringStatus } from "../github/ignoring-status.ts";
import { asProject } from "../platform/as-tenant.ts";
import { checkBranches } from "./check-branches.ts";
import { packageVersion } from "../platform/package-version.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now">;
type Finding = ProjectCheck["webhook"];
type Row = {
  triggerLabel: string;
  branchPrefix: string;
  /** By the GitHub App; null for a project with a token of its own. */
  access: Access | null;
  verifiedAt: Date | null;
  lastDeliveryAt: Date | null;
  credentials: { type: string; status: string }[];
  workers: { version: string; isDraining: boolean; brings: string[] }[];
};

/** What a project still lacks before an issue becomes a pull request: each with its next step. Changes nothing. */
export async function checkProject(deps: Deps, projectId: string): Promise<ProjectCheck> {
  const row = await readFacts(deps, projectId);
  const url = connectUrl(deps.config, projectId);
  const { labels, branches, hasClassicToken } = await lookAtGitHub(deps, { projectId, url, row });
  return {
    webhook: webhookOf(row, url),
    labels,
    branches,
    credentials: deps.sealing.isReady ? credentialsOf(row, { hasClassicToken, url }) : lostKey,
    workers: workersOf(row),
  };
}

async function readFacts({ db }: Deps, projectId: string): Promise<Row> {
  const { rows } = await asProject(db, projectId, (tx) =>
    sql<Row>`
      select p.trigger_label as "triggerLabel", coalesce(p.settings ->> 'branchPrefix', ${runSettings.parse({}).branchPrefix}) as "branchPrefix", p.webhook_verified_at as "verifiedAt",
        p.github_access as access,
        (select max(e.created_at) from fc.webhook_events e where e.project_id = p.id) as "lastDeliveryAt",
        coalesce((select jsonb_agg(jsonb_build_object('type', c.type, 'status', c.status)) from fc.credentials c where c.project_id = p.id), '[]') as credentials,
        coalesce((select jsonb_agg(jsonb_build_object('version', w.version, 'isDraining', w.is_draining,
            'brings', coalesce(w.capabilities -> 'localCredentials', '[]')))
          from fc.workers w where w.workspace_id = p.workspace_id and (w.last_seen_at > now() - interval '2 minutes'
            or exists (select from fc.job_queue j where j.worker_id = w.id and j.status = 'processing'))), '[]') as workers
      from fc.projects p where p.id = ${projectId}`.execute(tx),
  );
  const [row] = rows;
  if (!row) throw new TypeError("A project that the caller may see has no row.");
  return row;
}

const fine = (detail: string): Finding => ({ ok: true, detail, next: null });
const wrong = (detail: string, next: string): Finding => ({ ok: false, detail, next });
const lostKey = wrong(
  "The server's master key does not open its secrets.",
  "Its operator gives it the right MASTER_KEY; nothing was lost.",
);

function webhookOf({ access, verifiedAt, lastDeliveryAt }: Row, url: string): Finding {
  const last = lastDeliveryAt ? `; the last delivery came ${lastDeliveryAt.toISOString()}` : "";
  if (access === "active") return fine(`The GitHub App's own webhook serves the project${last}.`);
  if (access !== null && !verifiedAt)
    return wrong("The GitHub App's webhook does not reach this project any more.", mendApp(access, url));
  if (verifiedAt) return fine(`GitHub's ping arrived, signed with the project's secret${last}.`);
  if (lastDeliveryAt) return fine(`Signed deliveries arrive${last}.`);
  return wrong(
    "No delivery of GitHub's has arrived yet: issues are found every five minutes only.",
    "Add the webhook in the repository's settings, with this project's address and secret; its first ping is enough.",
  );
}

type AtGitHub = { labels: Finding; branches: Finding; hasClassicToken: boolean };

async function lookAtGitHub(
  deps: Deps,
  { projectId, url, row }: { projectId: string; url: string; row: Row },
): Promise<AtGitHub> {
  const unknown = (finding: Finding) => ({ labels: finding, branches: finding, hasClassicToken: false });
  if (!deps.sealing.isReady) return unknown(lostKey);
  const github = await githubFor(deps, projectId);
  if (!github)
    return unknown(wrong("Without a GitHub token nobody can look.", "Set a `github_token`, then check again."));
  const wanted = [row.triggerLabel, botLabel];
  try {
    const hasClassicToken = await isClassic(github);
    const found = await Promise.all(wanted.map((name) => hasLabel(github, name)));
    return {
      labels: labelsOf(
        wanted,
        wanted.filter((_, nth) => !found[nth]),
      ),
      branches: await checkBranches(github, row.branchPrefix),
      hasClassicToken,
    };
  } catch (error) {
    return unknown(refusal(deps, { error, row, url }));
  }
}

function labelsOf(wanted: string[], missing: string[]): Finding {
  if (missing.length === 0) return fine(`The repository has ${wanted.join(" and ")}.`);
  return wrong(
    `The repository lacks the label ${missing.join(" and ")}.`,
    `Make the label on GitHub: ${missing.join(", ")}.`,
  );
}

/** GitHub names the scopes of classic tokens, and of no others. */
async function isClassic({ octokit, named }: ProjectGitHub): Promise<boolean> {
  const { headers } = await octokit.rest.repos.get(named);
  return headers["x-oauth-scopes"] !== undefined;
}

function refusal(deps: Deps, { error, row, url }: { error: unknown; row: Row; url: string }): Finding {
  const { kind, said } = githubTrouble(error, deps.now());
  if (row.access && kind === "access") return wrong(said, mendApp(row.access, url));
  if (kind === "access" || kind === "gone")
    return wrong(`GitHub refuses the project's token: ${said}`, "Set a `github_token` that may read this repository.");
  return wrong(`GitHub could not be asked: ${said}`, "Check again in a few minutes.");
}

async function hasLabel({ octokit, named }: ProjectGitHub, name: string): Promise<boolean> {
  const found = await octokit.rest.issues.getLabel({ ...named, name }).catch(ignoringStatus(404));
  return found !== undefined;
}

function mendApp(access: Access, url: string): string {
  return access === "suspended" ? "Lift the suspension in GitHub's settings." : `Connect the project again: ${url}`;
}

/** A worker may bring its own: it needs none of ours then. */
function credentialsOf(
  { credentials, workers, access }: Row,
  { hasClassicToken, url }: { hasClassicToken: boolean; url: string },
): Finding {
  if (access !== null && access !== "active")
    return wrong(`The GitHub App's access to the repository is ${access}.`, mendApp(access, url));
  const hasApp = access === "active";
  const isThere = (...types: string[]) =>
    types.some(
      (type) =>
        credentials.some((one) => one.type === type && one.status !== "rejected") ||
        workers.some(({ brings }) => brings.includes(type)),
    );
  const rejected = credentials.filter(({ status }) => status === "rejected").map(({ type }) => type);
  const missing = [
    ...(hasApp || isThere("github_token") ? [] : ["github_token"]),
    ...(isThere("anthropic_api_key", "claude_oauth") ? [] : ["anthropic_api_key"]),
  ];
  if (rejected.length > 0)
    return wrong(`Refused by its provider: ${rejected.join(", ")}.`, `Set ${rejected.join(", ")} again.`);
  if (missing.length > 0)
    return wrong(
      `Missing: ${missing.join(", ")}.`,
      `\`feedback-chat credentials set ${missing[0]}\`, or a worker that has its own.`,
    );
  if (hasApp) return fine("A key for the model is there, and the GitHub App gives a token for each step.");
  if (!hasClassicToken) return fine("A key for the model and a token for GitHub are there.");
  return {
    ok: true,
    detail: "The GitHub token is a classic one: it reaches all that its owner reaches, and serves clone and publish.",
    next: "Take a fine-grained token for this repository alone, or the GitHub App: `feedback-chat github connect`.",
  };
}

function workersOf({ workers }: Row): Finding {
  if (workers.length === 0)
    return wrong(
      "No worker is online.",
      "Start one: `feedback-chat worker`, with a key from `feedback-chat keys create --worker`.",
    );
  const served = workers.filter(({ version }) => isServed(version, packageVersion));
  if (served.length === 0)
    return wrong(`No worker online has a version that is served.`, `Install ${packageVersion} where the workers run.`);
  const taking = served.filter(({ isDraining }) => !isDraining);
  if (taking.length === 0) return wrong("Every worker online is draining: none takes a job.", "Start another worker.");
  return fine(`${taking.length} online.`);
}
