import type { Hono } from "hono";
import * as z from "zod";
import {
  type AppContext,
  type AppEnvironment,
  bodyOf,
  callerOf,
  page,
  repositoryFor,
} from "./context.ts";
import { addDeploymentStatus, createDeployment } from "./create-deployment.ts";
import type { CommitStatus, Deployment, Hub, Repository } from "./hub.ts";
import { notFound, refusal } from "./refuse.ts";
import {
  renderCheckRun,
  renderDeployment,
  renderDeploymentStatus,
  renderStatus,
} from "./render-deployment.ts";
import { renderRepository, repositoryUrl } from "./render-repository.ts";
import { resolveCommit } from "./run-git.ts";

const readDeployments = { permission: "deployments", level: "read" } as const;
const writeDeployments = { permission: "deployments", level: "write", role: "write" } as const;
const states = [
  "error",
  "failure",
  "inactive",
  "in_progress",
  "queued",
  "pending",
  "success",
] as const;
const created = z.looseObject({ ref: z.string(), environment: z.string().default("production") });
const statusBody = z.looseObject({
  state: z.enum(states),
  environment_url: z.string().optional(),
  target_url: z.string().optional(),
  log_url: z.string().optional(),
  description: z.string().optional(),
});

export function deploymentRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  const all = "/repos/:owner/:repo/deployments";
  app.get(all, (c) => {
    const repository = repositoryFor(hub, c, readDeployments);
    const { sha, ref, environment } = c.req.query();
    const found = repository.deployments.filter(
      (one) =>
        (!sha || one.sha === sha) &&
        (!ref || one.ref === ref) &&
        (!environment || one.environment === environment),
    );
    return c.json(page(c, found).map((one) => renderDeployment(hub, repository, one)));
  });
  app.post(all, async (c) => {
    const repository = repositoryFor(hub, c, writeDeployments);
    const { ref, environment } = await bodyOf(c, created);
    const sha = await resolveCommit(hub, repository.gitDir, ref);
    if (!sha) throw refusal(422, `No ref found for: ${ref}`);
    const deployment = createDeployment(hub, repository, {
      ref,
      sha,
      environment,
      creator: callerOf(hub, c),
    });
    return c.json(renderDeployment(hub, repository, deployment), 201);
  });
  app.get(`${all}/:id{[0-9]+}/statuses`, (c) => {
    const repository = repositoryFor(hub, c, readDeployments);
    const deployment = deploymentFor(repository, c);
    const newestFirst = deployment.statuses.toReversed();
    return c.json(
      page(c, newestFirst).map((status) =>
        renderDeploymentStatus(hub, repository, deployment, status),
      ),
    );
  });
  app.post(`${all}/:id{[0-9]+}/statuses`, async (c) => {
    const repository = repositoryFor(hub, c, writeDeployments);
    const deployment = deploymentFor(repository, c);
    const {
      state,
      environment_url: environmentUrl = "",
      target_url,
      log_url,
      description = "",
    } = await bodyOf(c, statusBody);
    const wanted = {
      state,
      environmentUrl,
      targetUrl: log_url ?? target_url ?? "",
      description,
      creator: callerOf(hub, c),
    };
    const status = addDeploymentStatus(hub, repository, deployment, wanted);
    return c.json(renderDeploymentStatus(hub, repository, deployment, status), 201);
  });
  checkRoutes(hub, app);
}

/** Commit statuses and check runs. Mounted before `commits/:ref`, which would take these paths for a ref. */
function checkRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  const commit = "/repos/:owner/:repo/commits/:ref{.+}";
  app.get(`${commit}/statuses`, async (c) => {
    const repository = repositoryFor(hub, c, { permission: "statuses", level: "read" });
    const { statuses } = await statusesOf(hub, repository, c);
    return c.json(
      page(c, statuses).map((one) => ({ ...renderStatus(hub, repository, one), creator: null })),
    );
  });
  app.get(`${commit}/status`, async (c) => {
    const repository = repositoryFor(hub, c, { permission: "statuses", level: "read" });
    const { sha, statuses } = await statusesOf(hub, repository, c);
    const latest = [...new Map(statuses.toReversed().map((one) => [one.context, one])).values()];
    const url = `${repositoryUrl(hub, repository)}/commits/${sha}`;
    return c.json({
      state: combine(latest), statuses: latest.map((one) => renderStatus(hub, repository, one)), sha,
      total_count: latest.length, repository: renderRepository(hub, repository), commit_url: url, url: `${url}/status`,
    }); // prettier-ignore
  });
  app.get(`${commit}/check-runs`, async (c) => {
    const repository = repositoryFor(hub, c, { permission: "checks", level: "read" });
    const sha = await commitFor(hub, repository, c);
    const found = repository.checkRuns.filter((check) => check.sha === sha);
    return c.json({
      total_count: found.length,
      check_runs: page(c, found).map((check) => renderCheckRun(hub, repository, check)),
    });
  });
}

async function statusesOf(hub: Hub, repository: Repository, c: AppContext) {
  const sha = await commitFor(hub, repository, c);
  return { sha, statuses: repository.statuses.filter((status) => status.sha === sha) };
}

async function commitFor(hub: Hub, repository: Repository, c: AppContext): Promise<string> {
  const sha = await resolveCommit(hub, repository.gitDir, c.req.param("ref") ?? "");
  if (!sha) throw refusal(422, `No commit found for SHA: ${c.req.param("ref")}`);
  return sha;
}

function combine(statuses: CommitStatus[]): string {
  if (statuses.some(({ state }) => state === "failure" || state === "error")) return "failure";
  return statuses.length > 0 && statuses.every(({ state }) => state === "success")
    ? "success"
    : "pending";
}

function deploymentFor(repository: Repository, c: AppContext): Deployment {
  const deployment = repository.deployments.find(({ id }) => id === Number(c.req.param("id")));
  if (!deployment) throw notFound();
  return deployment;
}
