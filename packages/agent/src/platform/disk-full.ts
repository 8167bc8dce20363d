import { Problem } from "@feedback-chat/protocol/problem";

/** A full disk says so in many voices: ours, a child's, somewhere down the chain of causes. Null for all else. */
export function asDiskFull(error: unknown): Problem | null {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; cause = cause.cause, depth += 1) {
    const isFull =
      ("code" in cause && (cause.code === "ENOSPC" || cause.code === "EDQUOT")) ||
      /No space left on device|Disk quota exceeded|ENOSPC/.test(cause.message);
    if (isFull) return new Problem("disk_full", "There is no room left on the disk.", { cause: error });
  }
  return null;
}
