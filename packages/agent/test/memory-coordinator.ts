import { Problem } from "@feedback-chat/protocol/problem";
import type { Coordinator, Secret } from "../src/ports/coordinator.ts";

export type MemoryCoordinator = Coordinator & {
  events: string[];
  lines: string[];
  artifacts: Map<string, Uint8Array>;
  secrets: Partial<Record<"clone" | "model" | "publish", Secret>>;
  /** Trees that may be published; null = all. */
  permitted: Set<string> | null;
};

/** The coordinator's port without anything behind it, for what the pipeline says and asks. */
export function memoryCoordinator(): MemoryCoordinator {
  const events: string[] = [];
  const lines: string[] = [];
  const artifacts = new Map<string, Uint8Array>();
  const unexpected = () => Promise.reject(new Error("the pipeline's endings are data"));
  const self: MemoryCoordinator = {
    events,
    lines,
    artifacts,
    secrets: {},
    permitted: null,
    report: async (event, phase) => void events.push(`${event} ${phase}`),
    log: (_level, message) => void lines.push(message),
    async permit({ treeId }) {
      const isGranted = self.permitted === null || self.permitted.has(treeId);
      return isGranted
        ? { granted: true, approvedBy: self.permitted && "ada" }
        : { granted: false, reason: "The words came from the public." };
    },
    credential: async (purpose) => self.secrets[purpose] ?? null,
    reserve: () => Promise.reject(new Problem("budget_exceeded", "Nothing is left.", { facts: { scope: "day" } })),
    settle: async () => undefined,
    putArtifact: async (name, bytes) => void artifacts.set(name, bytes),
    getArtifact: async (name) => artifacts.get(name) ?? null,
    complete: unexpected,
    wait: unexpected,
    fail: unexpected,
  };
  return self;
}
