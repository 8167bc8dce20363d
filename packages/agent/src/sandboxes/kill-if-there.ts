import { ignoring } from "../platform/ignoring.ts";

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    ignoring("ESRCH")(error);
  }
}
