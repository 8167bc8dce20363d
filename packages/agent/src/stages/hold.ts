import type { TreeInfo } from "@feedback-chat/protocol/worker";
import type { Coordinator } from "../ports/coordinator.ts";
import type { PipelineEnd } from "../pipeline-end.ts";

/** Asks for the one-use leave to publish exactly this tree. A no parks the run until a person has decided. */
export async function askPermit(
  coordinator: Coordinator,
  tree: TreeInfo,
): Promise<{ approvedBy: string | null } | Extract<PipelineEnd, { kind: "waiting" }>> {
  const answer = await coordinator.permit(tree.permit);
  if (answer.granted) return { approvedBy: answer.approvedBy };
  coordinator.log("info", `Held: ${answer.reason}`);
  return {
    kind: "waiting",
    request: { for: "approval", reason: answer.reason.slice(0, 200), resumeAt: "publish" },
  };
}
