import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export type Target = {
  url: string;
  secret: string;
  repository: { id: number; full_name: string; private: boolean };
};
export type Load = { targets: Target[]; ratePerSecond: number; seconds: number; firstIssue: number };
export type LoadSeen = {
  /** Of those that were taken, from the moment at which they were due. */
  latenciesMs: number[];
  failed: number;
  why: string | null;
};

/** Who sends: a process of its own, so that it takes no turn of the server that is measured. */
export function startDeliveryLoad() {
  const child = fork(fileURLToPath(new URL("send-deliveries.ts", import.meta.url)));
  let nextIssue = 1;
  return {
    async run(load: Omit<Load, "firstIssue">): Promise<LoadSeen> {
      child.send({ ...load, firstIssue: nextIssue } satisfies Load);
      nextIssue += Math.round(load.ratePerSecond * load.seconds);
      const [seen] = (await once(child, "message")) as [LoadSeen];
      return seen;
    },
    [Symbol.dispose]: () => void child.kill(),
  };
}
