import type { ModelPrices } from "@feedback-chat/protocol/price";
import type { Spend } from "@feedback-chat/protocol/evidence";
import type { Secret } from "./coordinator.ts";

/**
 * The one exit of the agent's sandbox: a socket behind which our proxy speaks to the model's API with the key that
 * the sandbox never sees, under a ceiling by reservation.
 */
export type OpenModel = (input: ModelAccessInput) => Promise<ModelAccess>;

export type ModelAccessInput = {
  /** On the host, in the job's socket folder. */
  socketPath: string;
  /** Placeholder key of this run: what the engine has to show. */
  runToken: string;
  key: Secret;
  model: string;
  /** The project's own, over the list that we know. */
  prices: ModelPrices;
  /** What the run may still cost. */
  ceilingMicroUsd: number;
  /** No retry begins that would end after it. */
  wallSeconds: number;
  reserve(microUsd: number): Promise<{ reservationId: string }>;
  settle(
    reservation: { reservationId: string },
    microUsd: number,
    tokens: { input: number; output: number },
  ): Promise<void>;
  log(level: "debug" | "info" | "warn" | "error", text: string): void;
  signal: AbortSignal;
};

export interface ModelAccess extends AsyncDisposable {
  /** Ends what is under way, settles it, and says what the run has spent: settled or, where no usage came, reserved. */
  close(): Promise<Spend>;
  /** Requests that were answered, and paid. */
  turns(): number;
  /** Set when the proxy refused to go on: a ceiling, of the run or of its project's day, or a model that does not answer. */
  refusal(): ModelRefusal | null;
  /** Resolves at the first refusal; never, if there is none. */
  readonly whenRefused: Promise<unknown>;
}

export type ModelRefusal = {
  code: "budget" | "day_budget" | "model_unavailable" | "credential" | "network";
  detail: string;
  /** Of `network`: another try may succeed, with no setting changed. */
  isPassing: boolean;
};
