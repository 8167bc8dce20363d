import { join } from "node:path";
import { isProblem } from "@feedback-chat/protocol/problem";
import {
  credentialInfo, credentialsAnswer, eventAnswer, logsAnswer, permitAnswer, reserveAnswer, settleAnswer,
  type Lease,
} from "@feedback-chat/protocol/worker"; // prettier-ignore
import type { Clock } from "../ports/clock.ts";
import type { LeasedCoordinator, LocalCredentials } from "../ports/coordinator.ts";
import { anything, type HttpClient } from "../platform/http-client.ts";
import { bytes, type ApiRequest } from "../platform/read-answer.ts";
import { openLogSpool, type LogSpool, type SpoolLine } from "./log-spool.ts";
import type { UnsealKey } from "./unseal-credential.ts";

type Deps = {
  http: HttpClient;
  newUuid(): string;
  unsealKey: UnsealKey;
  spool: LogSpool;
  localCredentials: LocalCredentials;
};

/**
 * The control plane as the pipeline's coordinator. Every call is repeated until the server answers it or `lost`
 * aborts, with the ids that make the repetition harmless.
 */
export function httpCoordinator(
  deps: Deps,
  lease: Pick<Lease, "jobId" | "attempt" | "token">,
  lost: AbortSignal,
): LeasedCoordinator {
  const { http, newUuid, unsealKey, spool, localCredentials } = deps;
  const path = (rest: string) => `/v1/jobs/${lease.jobId}/${rest}`;
  const ask = <T>(request: Pick<ApiRequest<T>, "method" | "body" | "answer"> & { rest: string }): Promise<T> =>
    http.call<T>({
      method: request.method,
      path: path(request.rest),
      body: request.body,
      answer: request.answer,
      lease,
      signal: lost,
    });
  const post = <T>(rest: string, body: unknown, answer: ApiRequest<T>["answer"]) =>
    ask({ method: "POST", rest, body, answer });
  /** After an ending no line of the log is taken any more. */
  const end = async (rest: string, body: unknown) => {
    await spool.flush(AbortSignal.any([lost, AbortSignal.timeout(10_000)]));
    await post(rest, body, anything);
  };

  return {
    async report(event, phase, detail) {
      await post(
        "events",
        {
          eventId: newUuid(),
          event,
          phase,
          ...(detail === undefined ? {} : { detail: detail.slice(0, 500) }),
        },
        eventAnswer,
      );
    },
    log: (level, message) => spool.write(level, message),
    async permit(request) {
      try {
        const { approvedBy } = await post("permit", request, permitAnswer);
        return { granted: true, approvedBy };
      } catch (error) {
        if (!isProblem(error, "not_permitted")) throw error;
        return { granted: false, reason: error.message };
      }
    },
    async credential(purpose) {
      const own = localCredentials[purpose];
      if (own) return own;
      const { sealed } = await post("credentials", { purpose }, credentialsAnswer);
      return (
        sealed && {
          type: sealed.type,
          value: await unsealKey.open(sealed, credentialInfo(lease, purpose)),
        }
      );
    },
    reserve: (microUsd) =>
      post("spend/reserve", { requestId: newUuid(), microUsd: Math.ceil(microUsd) }, reserveAnswer),
    async settle({ reservationId }, microUsd, tokens) {
      await post("spend/settle", { reservationId, microUsd: Math.ceil(microUsd), tokens }, settleAnswer);
    },
    async putArtifact(name, content) {
      await ask({ method: "PUT", rest: `artifacts/${name}`, body: content, answer: anything });
    },
    async getArtifact(name) {
      try {
        return await ask({
          method: "GET",
          rest: `artifacts/${name}`,
          body: undefined,
          answer: bytes,
        });
      } catch (error) {
        if (isProblem(error, "not_found")) return null;
        throw error;
      }
    },
    complete: (outcome) => end("complete", { outcome }),
    wait: (request) => end("wait", request),
    fail: (request) => end("fail", { ...request, reason: request.reason.slice(0, 2_000) }),
    release: () => end("release", {}),
  };
}

type OpenDeps = Omit<Deps, "spool"> & { clock: Clock; onLogError(error: unknown): void };
type OpenInput = { lease: Lease; lost: AbortSignal; spoolFolder: string; flushMs: number };

/** The coordinator of one lease with its log's spool; `close` when the job is final. */
export function openHttpCoordinator(
  deps: OpenDeps,
  input: OpenInput,
): { coordinator: LeasedCoordinator; close(): Promise<void> } {
  const { lease, lost, spoolFolder, flushMs } = input;
  const send = (offset: number, lines: SpoolLine[]) =>
    deps.http.call({
      method: "POST",
      path: `/v1/jobs/${lease.jobId}/logs`,
      body: { offset, lines },
      answer: logsAnswer,
      lease,
      signal: lost,
    });
  const file = join(spoolFolder, `${lease.jobId}-${lease.attempt}.ndjson`);
  const spool = openLogSpool({ clock: deps.clock, send, onError: deps.onLogError }, { file, flushMs, signal: lost });
  return {
    coordinator: httpCoordinator({ ...deps, spool }, lease, lost),
    close: () => spool.remove(),
  };
}
