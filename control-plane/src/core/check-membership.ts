import { Problem } from "@feedback-chat/protocol/problem";

type Role = "owner" | "admin" | "member" | "viewer";
type Change = {
  /** Of the one who asks, as it stands under the lock: it may have changed since the request came in. */
  caller: Role | undefined;
  target: Role | undefined;
  /** Null: removed. */
  to: Role | null;
  owners: number;
};

/** @throws Problem forbidden, not_found, last_owner */
export function checkMembership({ caller, target, to, owners }: Change): void {
  if (caller !== "owner" && caller !== "admin") throw new Problem("forbidden", "This needs the role admin.");
  if (!target) throw new Problem("not_found", "There is no such member.");
  if (caller !== "owner" && (target === "owner" || to === "owner"))
    throw new Problem("forbidden", "Only an owner can make, change or remove an owner.");
  if (target === "owner" && to !== "owner" && owners === 1)
    throw new Problem("last_owner", "This is the workspace's only owner.");
}
