import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CheckFinding } from "@feedback-chat/protocol/check";
import { Problem } from "@feedback-chat/protocol/problem";
import { execa } from "execa";
import type { MachineConfig } from "./config.ts";
import { gitEnvironment } from "./git/git-environment.ts";

type Places = Pick<MachineConfig, "dataFolder"> & { stateFolder?: string };
type Fault = { detail: string; next: string };

/**
 * Looks for what would let every run on this machine fail later, or run without its protections.
 * @returns one finding for each thing that was looked at, git's first
 */
export async function checkMachine({ dataFolder, stateFolder }: Places): Promise<CheckFinding[]> {
  const temporary = tmpdir();
  return [
    finding("git", "git keeps to our settings", "it answered from a setting of ours", await gitFault()),
    finding("temporary", `${temporary} can be written`, "a folder was made there", await folderFault(temporary, "TMPDIR")),
    finding("data", `${dataFolder} can be written, and programs start there`, "a program started there", await programFault(dataFolder)),
    ...(stateFolder === undefined
      ? []
      : [finding("state", `${stateFolder} can be written`, "a folder was made there", await folderFault(stateFolder, "XDG_STATE_HOME"))]),
  ]; // prettier-ignore
}

/** @throws Problem machine_unfit for the first thing that is wrong */
export async function requireFitMachine(places: Places): Promise<void> {
  const problem = unfitMachine(await checkMachine(places));
  if (problem) throw problem;
}

export function unfitMachine(findings: CheckFinding[]): Problem | null {
  const failed = findings.find(({ status }) => status === "fail");
  return failed ? new Problem("machine_unfit", failed.detail, { next: failed.next }) : null;
}

function finding(id: string, title: string, control: string, fault: Fault | null): CheckFinding {
  if (fault) return { id, title, control, status: "fail", ...fault };
  return { id, title, control, status: "pass", detail: control, next: "" };
}

const oldestGit = "2.31";

/** Before 2.31 git ignores GIT_CONFIG_COUNT without a word, and with it the token and every protection. */
async function gitFault(): Promise<Fault | null> {
  const ours = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "feedback-chat.probe", GIT_CONFIG_VALUE_0: "ours" };
  const ask = (args: string[]) =>
    execa("git", args, {
      cwd: "/",
      extendEnv: false,
      env: { ...gitEnvironment([], null), ...ours },
      reject: false,
    });
  const { stdout: answer } = await ask(["config", "--get", "feedback-chat.probe"]);
  if (answer === "ours") return null;
  const { stdout, exitCode } = await ask(["--version"]);
  const next = `Install git ${oldestGit} or newer, then start again.`;
  if (exitCode !== 0) return { detail: "git was not found.", next };
  const version = /\d+(\.\d+)+/.exec(stdout)?.[0] ?? "of an unknown version";
  return {
    detail: `git ${version} is too old: it ignores the settings that protect a run. git ${oldestGit} or newer is needed.`,
    next,
  };
}

async function folderFault(folder: string, variable: string): Promise<Fault | null> {
  return ofSystem(
    async () => {
      if (variable !== "TMPDIR") await mkdir(folder, { recursive: true, mode: 0o700 });
      await rm(await mkdtemp(join(folder, ".feedback-chat-")), { recursive: true });
    },
    (code) => ({
      detail: `${folder} cannot be written: ${code}.`,
      next: `Make the folder and let this user write there, or set ${variable} to another one.`,
    }),
  );
}

/** As the sandbox's programs will: from a file that was just written there. */
async function programFault(dataFolder: string): Promise<Fault | null> {
  await using probe = new AsyncDisposableStack();
  let file = "";
  const writing = await ofSystem(
    async () => {
      await mkdir(dataFolder, { recursive: true });
      const folder = await mkdtemp(join(dataFolder, ".probe-"));
      probe.defer(() => rm(folder, { recursive: true, force: true }));
      file = join(folder, "program");
      await writeFile(file, "#!/bin/sh\nexit 0\n");
      await chmod(file, 0o700);
    },
    (code) => ({
      detail: `The data folder ${dataFolder} cannot be written: ${code}.`,
      next: "Let this user write there, or set FEEDBACK_CHAT_DATA to another folder.",
    }),
  );
  if (writing) return writing;
  const { code } = await execa(file, { cwd: "/", reject: false });
  if (code !== "EACCES") return null;
  return {
    detail: `The data folder ${dataFolder} is on a file system that is mounted noexec: no program can start there.`,
    next: "Mount it with exec, or set FEEDBACK_CHAT_DATA to a folder elsewhere.",
  };
}

const systemCodes = ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "EROFS", "EEXIST", "ELOOP", "ENAMETOOLONG"];

async function ofSystem(act: () => Promise<void>, fault: (code: string) => Fault): Promise<Fault | null> {
  try {
    await act();
    return null;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!systemCodes.includes(code)) throw error;
    return fault(code);
  }
}
