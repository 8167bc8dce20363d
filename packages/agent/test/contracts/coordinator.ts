import { isProblem } from "@feedback-chat/protocol/problem";
import type { PermitRequest } from "@feedback-chat/protocol/worker";
import { describe, expect, it } from "vitest";
import type { Coordinator } from "../../src/ports/coordinator.ts";

/** What the suite needs to see of the other side. */
export type OpenCoordinator = AsyncDisposable & {
  coordinator: Coordinator;
  /** Of a run whose ceiling is 1,000,000 micro-USD and whose policy holds words of the public. */
  seen(): Promise<{
    stage: string;
    waitingFor: string | null;
    reason: string | null;
    lines: string[];
    costMicroUsd: number;
  }>;
  /** A person approves what is held, and the run is claimed again; answers the coordinator of that attempt. */
  approve(treeId: string): Promise<Coordinator>;
};
export type CoordinatorEnv = { origin: "public" | "maintainer"; publish: "hold" | "auto" };

const treeId = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const request: PermitRequest = {
  treeId,
  baseSha: "0".repeat(40),
  hasHoldVerdict: false,
  hasFlag: false,
  checks: "green",
  isUnfinished: false,
};
const published = {
  kind: "published",
  prNumber: 3,
  prUrl: "http://127.0.0.1:1/pull/3",
  headSha: "1".repeat(40),
  isDraft: true,
} as const;
const free: CoordinatorEnv = { origin: "maintainer", publish: "auto" };
const held: CoordinatorEnv = { origin: "public", publish: "hold" };

/** The obligations of whoever records a run and decides about it. */
export function coordinatorContract(name: string, open: (env: CoordinatorEnv) => Promise<OpenCoordinator>): void {
  describe(name, () => {
    it("moves the stage by what is reported", async () => {
      await using run = await open(free);
      await run.coordinator.report("phase_started", "agent");
      expect(await run.seen()).toMatchObject({ stage: "running" });
      await run.coordinator.report("collected", "collect");
      expect(await run.seen()).toMatchObject({ stage: "validating" });
      await run.coordinator.report("fix_round", "agent", "1 check is red");
      expect(await run.seen()).toMatchObject({ stage: "running" });
    });

    it("keeps every line in order, at the latest when the run has ended", async () => {
      await using run = await open(free);
      const lines = Array.from({ length: 700 }, (_, index) => `line ${index}`);
      for (const line of lines) run.coordinator.log("info", line);
      await run.coordinator.fail({
        code: "no_change",
        reason: "Nothing changed.",
        retryable: false,
      });
      expect((await run.seen()).lines).toEqual(lines);
    });

    it("gives back an artifact byte for byte, the newest of its name, and null for none", async () => {
      await using run = await open(free);
      expect(await run.coordinator.getArtifact("tree.pack")).toBeNull();
      await run.coordinator.putArtifact("tree.pack", new Uint8Array([1, 2]));
      await run.coordinator.putArtifact("tree.pack", new Uint8Array([0, 255, 10, 13]));
      const bytes = await run.coordinator.getArtifact("tree.pack");
      expect([...(bytes ?? [])]).toEqual([0, 255, 10, 13]);
    });

    it("refuses a reservation beyond the run's ceiling, and gives back what was not used", async () => {
      await using run = await open(free);
      const first = await run.coordinator.reserve(900_000);
      const refused = await run.coordinator.reserve(200_000).catch((error: unknown) => error);
      expect(isProblem(refused, "budget_exceeded") && refused.facts["scope"]).toBe("run");
      await run.coordinator.settle(first, 100_000, { input: 10, output: 5 });
      await run.coordinator.reserve(200_000);
      expect((await run.seen()).costMicroUsd).toBeGreaterThanOrEqual(100_000);
    });

    it("permits the same tree as often as it is asked", async () => {
      await using run = await open(free);
      await run.coordinator.report("collected", "collect");
      expect(await run.coordinator.permit(request)).toEqual({ granted: true, approvedBy: null });
      expect(await run.coordinator.permit(request)).toEqual({ granted: true, approvedBy: null });
    });

    it("gives the write token only after the permit", async () => {
      await using run = await open(free);
      await run.coordinator.report("collected", "collect");
      const early = await run.coordinator.credential("publish").catch((error: unknown) => error);
      expect(isProblem(early, "not_permitted")).toBe(true);
      await run.coordinator.permit(request);
      expect(await run.coordinator.credential("publish")).toMatchObject({ type: "github_token" });
    });

    it("holds the public's words until a person approves, and then names who did", async () => {
      await using run = await open(held);
      await run.coordinator.report("collected", "collect");
      const answer = await run.coordinator.permit(request);
      expect(answer.granted).toBe(false);
      await run.coordinator.wait({ for: "approval", resumeAt: "publish" });
      expect(await run.seen()).toMatchObject({ stage: "validating", waitingFor: "approval" });
      const resumed = await run.approve(treeId);
      expect(await resumed.permit(request)).toEqual({ granted: true, approvedBy: "ada" });
      await resumed.complete(published);
      expect(await run.seen()).toMatchObject({ stage: "preview_ready", waitingFor: null });
    });

    it("parks a question", async () => {
      await using run = await open(free);
      await run.coordinator.wait({
        for: "reporter",
        question: "Which button?",
        resumeAt: "snapshot",
      });
      expect(await run.seen()).toMatchObject({ stage: "queued", waitingFor: "reporter" });
    });

    it("takes the same ending twice, and no other", async () => {
      await using run = await open(free);
      const failed = { code: "clone", reason: "The repository is empty.", retryable: false };
      await run.coordinator.fail(failed);
      await run.coordinator.fail(failed);
      const other = await run.coordinator.fail({ ...failed, code: "budget" }).catch((error: unknown) => error);
      expect(isProblem(other, "already_final")).toBe(true);
      expect(await run.seen()).toMatchObject({ stage: "failed", reason: "clone" });
    });
  });
}
