import { execa } from "execa";

/** The folder's `origin`; undefined without one. Git runs no hook and no monitor of the repository: those are its own scripts. */
export async function readRemote(folder: string): Promise<string | undefined> {
  const { exitCode, stdout } = await execa(
    "git",
    ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "config", "--get", "remote.origin.url"],
    {
      cwd: folder,
      reject: false,
      stdin: "ignore",
    },
  );
  return exitCode === 0 && stdout.trim() !== "" ? stdout.trim() : undefined;
}
