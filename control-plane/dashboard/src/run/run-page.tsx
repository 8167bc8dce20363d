import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { api } from "../api.ts";
import { ProblemCard } from "../frame/problem-card.tsx";
import { showCost, showDuration } from "../frame/show-figures.ts";
import { StageBadge } from "../frame/stage-badge.tsx";
import { useStream } from "../frame/use-stream.ts";
import { Actions } from "./actions.tsx";
import { Changes } from "./changes.tsx";
import { EvidenceView } from "./evidence-view.tsx";
import { LogView } from "./log-view.tsx";
import { addLines, type Lines, noLines } from "./log-lines.ts";
import { StageRail } from "./stage-rail.tsx";
import { Timeline } from "./timeline.tsx";

const here = getRouteApi("/signed-in/projects/$projectId/runs/$runId");

/** One run: where it stands, what a person can do now, what was checked and changed, and its log as it comes. */
export function RunPage() {
  const { projectId, runId } = here.useParams();
  const queryClient = useQueryClient();
  const { data: run, error, refetch } = useQuery({ queryKey: ["run", runId], queryFn: () => api.run(runId) });
  const [lines, setLines] = useState<Lines>(noLines);
  const [streamKey, setStreamKey] = useState(0);
  const lookAgain = useCallback(() => {
    void queryClient.invalidateQueries({ queryKey: ["run", runId] });
    void queryClient.invalidateQueries({ queryKey: ["artifact", runId] });
  }, [queryClient, runId]);
  const isLive = useStream(
    `/v1/runs/${runId}/events`,
    {
      stage: lookAgain,
      cost: lookAgain,
      end: lookAgain,
      reset: () => setLines(noLines),
      log: (data) => setLines((known) => addLines(known, data)),
    },
    streamKey,
  );
  function acted() {
    lookAgain();
    // A settled run's stream has ended; an action may have moved it on.
    setLines(noLines);
    setStreamKey((key) => key + 1);
  }
  if (error) return <ProblemCard error={error} onRetry={() => void refetch()} />;
  if (!run) return <p aria-busy="true">Loading…</p>;
  return (
    <>
      <p className="crumbs">
        <Link to="/projects">Projects</Link> / <Link to="/projects/$projectId" params={{ projectId }}>Runs</Link>
      </p>
      <h1>{run.issueTitle}</h1>
      <p className="facts">
        <StageBadge stage={run.stage} waitingFor={run.waitingFor} />
        <SafeLink href={run.issueUrl}>Issue #{run.issueNumber}</SafeLink>
        {run.prUrl && <SafeLink href={run.prUrl}>Pull request #{run.prNumber}</SafeLink>}
        {run.previewUrl && <SafeLink href={run.previewUrl}>Preview</SafeLink>}
        <span className="faint">attempt {run.attempt}</span>
        <span className="faint">{showDuration(run.durationMs)}</span>
        <span className="faint">{showCost(run.costMicroUsd)}</span>
        <span className="faint">asked by {run.triggeredBy}</span>
      </p>
      <StageRail stage={run.stage} timeline={run.timeline} />
      {run.reason && (
        <p>
          Why: <strong>{run.reason.replaceAll("_", " ")}</strong>. {run.reasonText}
        </p>
      )}
      <Actions run={run} onDone={acted} />
      {run.artifacts.some(({ name }) => name === "evidence.json") && <EvidenceView runId={runId} />}
      {run.artifacts.some(({ name }) => name === "diff.patch") && <Changes runId={runId} />}
      <LogView lines={lines.shown} isLive={isLive} />
      <Timeline timeline={run.timeline} />
    </>
  ); // prettier-ignore
}

/** What GitHub, a host or a worker named as an address becomes a link only if it is one of the web. */
function SafeLink({ href, children }: { href: string; children: React.ReactNode }) {
  if (!/^https?:\/\//i.test(href)) return <span>{children}</span>;
  return (
    <a href={href} rel="noreferrer noopener" target="_blank">
      {children}
    </a>
  );
}
