import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback } from "react";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";
import { showCost, showMoment } from "../frame/show-figures.ts";
import { StageBadge } from "../frame/stage-badge.tsx";
import { useStream } from "../frame/use-stream.ts";

const here = getRouteApi("/signed-in/projects/$projectId");

/** All runs of a project, newest first, told anew whenever one moves. */
export function RunsPage() {
  const { projectId } = here.useParams();
  const queryClient = useQueryClient();
  const project = useQuery({
    queryKey: ["project", projectId],
    queryFn: () => api.project(projectId),
  });
  const runs = useQuery({ queryKey: ["runs", projectId], queryFn: () => api.runs(projectId) });
  const lookAgain = useCallback(
    () => void queryClient.invalidateQueries({ queryKey: ["runs", projectId] }),
    [queryClient, projectId],
  );
  const isLive = useStream(`/v1/projects/${projectId}/events`, {
    stage: lookAgain,
    reset: lookAgain,
  });
  const error = project.error ?? runs.error;
  return (
    <>
      <p className="crumbs">
        <Link to="/projects">Projects</Link>
      </p>
      <h1>{project.data?.name ?? "Project"}</h1>
      {project.data && <p className="faint">{project.data.githubRepo}</p>}
      {error && <ProblemCard error={error} onRetry={() => void runs.refetch()} />}
      {!isLive && runs.data && <p className="faint">Reconnecting… this list may be behind.</p>}
      {runs.data?.items.length === 0 && (
        <div className="card">
          <h2>No run yet</h2>
          <p>
            Put the label <code>{project.data?.triggerLabel ?? "auto-implement"}</code> on an issue of the repository:
            the run appears here by itself.
          </p>
        </div>
      )}
      <ul className="rows" aria-live="polite">
        {runs.data?.items.map((run) => (
          <li key={run.id} className="row">
            <Link to="/projects/$projectId/runs/$runId" params={{ projectId, runId: run.id }} className="title">
              Issue #{run.issueNumber}
            </Link>
            <StageBadge stage={run.stage} waitingFor={run.waitingFor} />
            {run.reason && <span className="faint">{run.reason}</span>}
            <span className="faint">{run.triggeredBy}</span>
            <span className="faint">{showCost(run.costMicroUsd)}</span>
            <time className="faint" dateTime={run.startedAt}>
              {showMoment(run.startedAt)}
            </time>
          </li>
        ))}
      </ul>
    </>
  );
}
