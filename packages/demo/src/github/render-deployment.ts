import type { CheckRun, CommitStatus, Deployment, DeploymentStatus, Hub, Repository } from "./hub.ts";
import { nodeId, timestamp } from "./wire-values.ts";
import { htmlUrl, repositoryUrl } from "./render-repository.ts";
import { renderUser } from "./render-user.ts";

export function renderDeployment(hub: Hub, repository: Repository, deployment: Deployment) {
  const url = `${repositoryUrl(hub, repository)}/deployments/${deployment.id}`;
  const changedAt = deployment.statuses.at(-1)?.createdAt ?? deployment.createdAt;
  return {
    url,
    id: deployment.id,
    node_id: nodeId("DE", deployment.id),
    sha: deployment.sha,
    ref: deployment.ref,
    task: "deploy",
    payload: {},
    original_environment: deployment.environment,
    environment: deployment.environment,
    transient_environment: false,
    production_environment: deployment.isProduction,
    description: null,
    creator: renderUser(hub, deployment.creator),
    created_at: timestamp(deployment.createdAt),
    updated_at: timestamp(changedAt),
    statuses_url: `${url}/statuses`,
    repository_url: repositoryUrl(hub, repository),
  };
}

export function renderDeploymentStatus(
  hub: Hub,
  repository: Repository,
  deployment: Deployment,
  status: DeploymentStatus,
) {
  const deploymentUrl = `${repositoryUrl(hub, repository)}/deployments/${deployment.id}`;
  return {
    url: `${deploymentUrl}/statuses/${status.id}`,
    id: status.id,
    node_id: nodeId("DES", status.id),
    state: status.state,
    creator: renderUser(hub, status.creator),
    description: status.description,
    environment: deployment.environment,
    environment_url: status.environmentUrl,
    target_url: status.targetUrl,
    log_url: status.targetUrl,
    created_at: timestamp(status.createdAt),
    updated_at: timestamp(status.createdAt),
    deployment_url: deploymentUrl,
    repository_url: repositoryUrl(hub, repository),
  };
}

export function renderStatus(hub: Hub, repository: Repository, status: CommitStatus) {
  return {
    url: `${repositoryUrl(hub, repository)}/statuses/${status.sha}`,
    avatar_url: `${hub.origin}/avatars/u/${status.creator.id}`,
    id: status.id,
    node_id: nodeId("SC", status.id),
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: timestamp(status.createdAt),
    updated_at: timestamp(status.createdAt),
  };
}

export function renderCheckRun(hub: Hub, repository: Repository, check: CheckRun) {
  const url = `${repositoryUrl(hub, repository)}/check-runs/${check.id}`;
  const html = `${htmlUrl(hub, repository)}/runs/${check.id}`;
  return {
    id: check.id,
    node_id: nodeId("CR", check.id),
    head_sha: check.sha,
    external_id: "",
    url,
    html_url: html,
    details_url: html,
    status: check.status,
    conclusion: check.conclusion,
    started_at: timestamp(check.startedAt),
    completed_at: check.completedAt && timestamp(check.completedAt),
    output: {
      title: null,
      summary: null,
      text: null,
      annotations_count: 0,
      annotations_url: `${url}/annotations`,
    },
    name: check.name,
    check_suite: { id: check.id },
    app: null,
    pull_requests: [],
  };
}
