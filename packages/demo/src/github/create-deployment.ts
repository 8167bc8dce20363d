import type { Deployment, DeploymentState, DeploymentStatus, Hub, Repository, User } from "./hub.ts";
import { renderDeployment, renderDeploymentStatus } from "./render-deployment.ts";

export type NewDeployment = { ref: string; sha: string; environment?: string; creator: User };

export function createDeployment(hub: Hub, repository: Repository, wanted: NewDeployment): Deployment {
  const { ref, sha, environment = "production", creator } = wanted;
  const isProduction = environment.toLowerCase() === "production";
  const deployment = {
    id: hub.newId(),
    sha,
    ref,
    environment,
    isProduction,
    creator,
    createdAt: hub.now(),
    statuses: [],
  };
  repository.deployments.unshift(deployment);
  hub.emit(
    repository,
    "deployment",
    { action: "created", deployment: renderDeployment(hub, repository, deployment) },
    creator,
  );
  return deployment;
}

export type NewDeploymentStatus = {
  state: DeploymentState;
  environmentUrl?: string;
  targetUrl?: string;
  description?: string;
  creator: User;
};

export function addDeploymentStatus(
  hub: Hub,
  repository: Repository,
  deployment: Deployment,
  wanted: NewDeploymentStatus,
): DeploymentStatus {
  const { state, environmentUrl = "", targetUrl = "", description = "", creator } = wanted;
  const status = {
    id: hub.newId(),
    state,
    description,
    environmentUrl,
    targetUrl,
    creator,
    createdAt: hub.now(),
  };
  deployment.statuses.push(status);
  const payload = {
    action: "created",
    deployment_status: renderDeploymentStatus(hub, repository, deployment, status),
    deployment: renderDeployment(hub, repository, deployment),
  };
  hub.emit(repository, "deployment_status", payload, creator);
  return status;
}
