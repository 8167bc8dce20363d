import { isAlive, readProcess } from "./process-table.ts";

/** A pid alone may be another process's tomorrow: its start time goes with it. */
export function ownerName(pid: number): string {
  return `${pid}.${readProcess(pid)?.startTicks ?? "0"}`;
}

/** Whether the process of that name still runs. */
export function isOwned(owner: string): boolean {
  const pid = Number(owner.split(".")[0]);
  return Number.isSafeInteger(pid) && pid > 0 && isAlive(pid) && ownerName(pid) === owner;
}

/** The owner in a folder's name: `<anything>.<owner>.<random>`. */
export function ownerIn(name: string): string {
  return name.split(".").slice(-3, -1).join(".");
}
