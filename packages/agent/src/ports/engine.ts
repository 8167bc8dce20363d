import type { SandboxJob } from "./sandbox.ts";

/** A coding agent's program. What it says is a claim; cost is the proxy's, success our checks'. */
export interface Engine {
  readonly id: string;
  /** Makes sure that the program is there. @throws Problem engine_missing. */
  prepare(): Promise<{ version: string }>;
  start(task: EngineTask, sandbox: SandboxJob): EngineRun;
}

export type EngineTask = {
  /** Our fixed template; a stranger's words are in `/task/issue.json` only. */
  prompt: string;
  /** The base commit's own instructions, if the project allows them. */
  repositoryInstructions: string | null;
  model: string;
  maxTurns: number;
  wallSeconds: number;
  idleSeconds: number;
  /** Placeholder key that the model proxy of this run knows; worth nothing anywhere else. */
  runToken: string;
  /** File name of the proxy's socket in the sandbox's socket folder. */
  socketName: string;
};

export interface EngineRun {
  readonly events: AsyncIterable<EngineEvent>;
  stop(why: StopReason): Promise<void>;
  /** After the last event: how it ended. */
  readonly ended: Promise<EngineEnd>;
}

export type StopReason = "cancelled" | "lease_lost" | "budget" | "time" | "idle" | "drain";
export type EngineEnd = {
  /** `done` only of a process that ended with 0, or that we ended after its result. Money and models are the proxy's to judge. */
  claim: "done" | "gave_up" | "error";
  by: "exit" | "resources" | "time" | "idle" | "stopped";
  summary: string;
};
export type Level = "debug" | "info" | "warn" | "error";
export type TokenCounts = { input: number; output: number; cacheRead: number; cacheWrite: number };

export type EngineEvent =
  | { type: "log"; level: Level; text: string }
  | { type: "tool"; name: string; summary: string }
  | { type: "usage"; model: string; tokens: TokenCounts }
  | { type: "question"; text: string }
  | { type: "result"; claim: "done" | "gave_up" | "error"; summary: string };
