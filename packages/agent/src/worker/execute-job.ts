import type { Figures } from "@feedback-chat/protocol/figures";
import { isProblem } from "@feedback-chat/protocol/problem";
import type { Lease } from "@feedback-chat/protocol/worker";
import { tellEnd, type PipelineEnd } from "../pipeline-end.ts";
import { errorFields, type EventLog } from "../platform/event-log.ts";
import type { Clock } from "../ports/clock.ts";
import type { Coordinator, LeasedCoordinator } from "../ports/coordinator.ts";
import type { HttpClient } from "../platform/http-client.ts";
import { holdLease } from "./hold-lease.ts";

/** The pipeline as the worker sees it. It ends soon after `signal`, leaves no child behind, and throws only bugs. */
export type RunJob = (input: {
  lease: Lease;
  slot: number;
  coordinator: Coordinator;
  signal: AbortSignal;
}) => Promise<PipelineEnd>;

export type ExecuteDeps = {
  http: HttpClient;
  clock: Clock;
  newUuid(): string;
  openCoordinator(lease: Lease, lost: AbortSignal): { coordinator: LeasedCoordinator; close(): Promise<void> };
  log: EventLog;
  runJob: RunJob;
  onDrain(): void;
  onProblem(error: unknown): void;
};

/** One lease from claim to ending: renewed all the time, its log sent, its end told exactly once. */
export async function executeJob(
  deps: ExecuteDeps,
  figures: Figures,
  input: { lease: Lease; slot: number; releasing: AbortSignal },
): Promise<PipelineEnd> {
  const { log } = deps;
  const { lease, slot, releasing } = input;
  const fields = { jobId: lease.jobId, runId: lease.runId, attempt: lease.attempt };
  const held = holdLease(deps, lease, figures);
  const release = () => held.stop("drain");
  releasing.addEventListener("abort", release, { once: true });
  if (releasing.aborted) release();

  const { coordinator, close } = deps.openCoordinator(lease, held.lost);
  log("info", "job.claimed", {
    ...fields,
    issueNumber: lease.job.issueNumber,
    resumeAt: lease.job.resumeAt,
  });
  try {
    const end = await runToItsEnd(deps, { lease, slot, coordinator, signal: held.stopped });
    held.startEnding();
    const told = await tell(deps, { coordinator, end, lost: held.lost });
    log(told.kind === "failed" ? "warn" : "info", "job.ended", { ...fields, ...summaryOf(told) });
    return told;
  } finally {
    releasing.removeEventListener("abort", release);
    await held.end();
    await close();
  }
}

/** A bug in the pipeline ends this job, not the worker; another attempt may have more luck. */
async function runToItsEnd({ runJob, log }: ExecuteDeps, input: Parameters<RunJob>[0]): Promise<PipelineEnd> {
  try {
    return await runJob(input);
  } catch (error) {
    if (input.signal.aborted) return { kind: "stopped", cause: input.signal.reason };
    log("error", "job.broke", { jobId: input.lease.jobId, ...errorFields(error) });
    const reason = error instanceof Error ? error.message : String(error);
    return {
      kind: "failed",
      code: "internal_error",
      reason: `The worker met an error of its own: ${reason}`,
      isRetryable: true,
    };
  }
}

type Telling = { coordinator: LeasedCoordinator; end: PipelineEnd; lost: AbortSignal };

/** An ending that is not taken ends nothing but this job: its lease runs out, and another attempt follows. */
async function tell({ log, onProblem }: ExecuteDeps, { coordinator, end, lost }: Telling): Promise<PipelineEnd> {
  try {
    if (end.kind === "stopped" && end.cause === "drain") await coordinator.release();
    else await tellEnd(coordinator, end);
    return end;
  } catch (error) {
    if (!isProblem(error)) throw error;
    const isOver = lost.aborted || overCodes.some((code) => isProblem(error, code));
    if (!isOver) log("error", "job.end_refused", { ...summaryOf(end), ...errorFields(error) });
    if (!isOver) onProblem(error);
    return { kind: "stopped", cause: "lease_lost" };
  }
}

const overCodes = ["lease_lost", "already_final", "not_found"] as const;

function summaryOf(end: PipelineEnd): Record<string, unknown> {
  switch (end.kind) {
    case "published":
      return { end: end.kind, prUrl: end.outcome.prUrl };
    case "waiting":
      return { end: end.kind, for: end.request.for };
    case "failed":
      return { end: end.kind, code: end.code, reason: end.reason };
    case "declined":
      return { end: end.kind, reason: end.reason };
    case "stopped":
      return { end: end.kind, cause: end.cause };
  }
}
