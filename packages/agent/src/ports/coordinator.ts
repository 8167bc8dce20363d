import type {
  ArtifactName,
  CredentialPurpose,
  FailRequest,
  Outcome,
  PermitRequest,
  WaitRequest,
} from "@feedback-chat/protocol/worker";
import type { Phase } from "@feedback-chat/protocol/run-machine";
import type { Level } from "./engine.ts";

/**
 * The side that records a run and decides about it: the control plane over HTTP for a worker,
 * a folder on this machine for `run`. Every call is fenced: after `signal` of the run aborted with
 * `lease_lost`, nothing that is said here counts.
 */
export interface Coordinator {
  /** Durable when it returns. The same event is sent again until it was taken. */
  report(event: "phase_started" | "collected" | "fix_round", phase: Phase, detail?: string): Promise<void>;
  /** Buffered; lines arrive in order. Control bytes, secrets and over-long lines are cleaned by the caller's logger. */
  log(level: Level, message: string): void;
  /**
   * Asks for the one-use leave to publish exactly this tree.
   * `held` = a person has to decide first: end with `wait`.
   */
  permit(
    request: PermitRequest,
  ): Promise<{ granted: true; approvedBy: string | null } | { granted: false; reason: string }>;
  /**
   * The secret for a purpose, in memory only. `publish` answers only after `permit`.
   * Null when there is none for it. @throws Problem not_permitted
   */
  credential(purpose: CredentialPurpose): Promise<Secret | null>;
  /** @throws Problem budget_exceeded: nothing was reserved (facts.scope says which ceiling). */
  reserve(microUsd: number): Promise<{ reservationId: string }>;
  settle(
    reservation: { reservationId: string },
    microUsd: number,
    tokens: { input: number; output: number },
  ): Promise<void>;
  putArtifact(name: ArtifactName, bytes: Uint8Array): Promise<void>;
  /** Null when there is none. */
  getArtifact(name: ArtifactName): Promise<Uint8Array | null>;
  /** The endings. The same call twice gives the same answer. */
  complete(outcome: Outcome): Promise<void>;
  wait(request: WaitRequest): Promise<void>;
  fail(request: FailRequest): Promise<void>;
}

/** Of a lease: also gives the job back, which only a control plane can take. */
export type LeasedCoordinator = Coordinator & { release(): Promise<void> };

export type Secret = { type: string; value: string };
/** What a machine's owner keeps there: used instead of asking. */
export type LocalCredentials = Partial<Record<CredentialPurpose, Secret>>;

/** Why a run's AbortSignal fired: its `reason` is always one of these. */
export type StopCause = "cancelled" | "lease_lost" | "drain";
