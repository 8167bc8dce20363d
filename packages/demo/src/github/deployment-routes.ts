import type { Hono } from "hono";
import * as z from "zod";
import { type AppContext, type AppEnvironment, bodyOf, callerOf, page, repositoryFor } from "./context.ts";
import { addDeploymentStatus, createDeployment } from "./create-deployment.ts";
import type { Deployment, Hub, Repository } from "./hub.ts";
import { notFound, refusal } from "./refuse.ts";
import { renderDeployment, renderDeploymentStatus } from "./render-deployment.ts";
import { resolveCommit } from "./run-git.ts";

const readDeployments = { permission: "deployments", level: "read" } as const;
const writeDeployments = { permission: "deployments", level: "write", role: "write" } as const;
const states = ["error", "failure", "inactive", "in_progress", "queued", "pending", "success"] as const;
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
        (!sha || one.sha === sha) && (!ref || one.ref === ref) && (!environment || one.environment === environment),
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
    return c.json(page(c, newestFirst).map((status) => renderDeploymentStatus(hub, repository, deployment, status)));
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
}

function deploymentFor(repository: Repository, c: AppContext): Deployment {
  const deployment = repository.deployments.find(({ id }) => id === Number(c.req.param("id")));
  if (!deployment) throw notFound();
  return deployment;
}
