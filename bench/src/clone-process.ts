import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type ClonePlace = { folder: string; cloneUrl: string; token: string };
export type CloneOrder = ClonePlace & { kind: "cold" | "warm" | "forget" };

/** The worker's part of a clone in a process of its own, so that its memory can be told from the bench's. */
export function startCloneProcess(place: ClonePlace) {
  const child = fork(fileURLToPath(new URL("clone-here.ts", import.meta.url)));
  async function order(kind: CloneOrder["kind"]): Promise<void> {
    child.send({ ...place, kind } satisfies CloneOrder);
    const [trouble] = (await once(child, "message")) as [string];
    if (trouble) throw new Error(trouble);
  }
  return {
    pid: child.pid ?? 0,
    clone: (kind: "cold" | "warm") => order(kind),
    /** Takes away what the last clone made, the mirror stays. */
    forget: () => order("forget"),
    [Symbol.dispose]: () => void child.kill(),
  };
}
