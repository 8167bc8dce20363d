import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CommandContext } from "../command.ts";
import { ignoring } from "./ignoring.ts";

const command = "apt-get install -y bubblewrap";

/**
 * Makes sure that bubblewrap is there. As root without a terminal it says so and installs it; on a terminal it asks;
 * else it names the command. Whoever named a program means that one. Where podman may stand in its place and it cannot be installed, the worker's self-test
 * decides whether that holds.
 * @throws Problem sandbox_unavailable
 */
export async function ensureBubblewrap(
  { terminal, config }: Pick<CommandContext, "terminal" | "config">,
  platform: NodeJS.Platform,
): Promise<void> {
  if (platform !== "linux") throw noSandboxOn(platform);
  const searchPath = config.all["PATH"] ?? "/usr/bin";
  const wanted = config.all["FEEDBACK_CHAT_SANDBOX"] ?? "";
  const isNamed = Boolean(config.all["FEEDBACK_CHAT_BWRAP_PATH"] || config.all["FEEDBACK_CHAT_PODMAN_PATH"]);
  if (wanted === "container" || isNamed || hasProgram("bwrap", searchPath)) return;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !hasProgram("apt-get", searchPath)) {
    if (wanted === "" && hasProgram("podman", searchPath)) return;
    throw missing(isRoot ? command : `sudo ${command}`);
  }
  if (
    terminal.isInteractive &&
    !(await terminal.confirm(`The sandbox needs bubblewrap. Install it now (${command})?`, "nothing"))
  )
    throw missing(command);
  terminal.say(`Installing bubblewrap, which the sandbox needs: ${command}`);
  const { execa } = await import("execa");
  // A fresh machine has no package lists yet.
  for (const args of [
    ["update", "-qq"],
    ["install", "-y", "-qq", "bubblewrap"],
  ]) {
    const { exitCode, stderr } = await execa("apt-get", args, {
      stdin: "ignore",
      reject: false,
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
    if (exitCode !== 0) throw missing(command, stderr.trim().split("\n").at(-1));
  }
}

function noSandboxOn(platform: NodeJS.Platform): Problem {
  return new Problem(
    "sandbox_unavailable",
    `There is no sandbox for ${platform} in this version; no agent is started.`,
    {
      next: "Run it on Linux (x64 or arm64): a virtual machine or a server will do.",
    },
  );
}

function missing(how: string, why?: string): Problem {
  return new Problem(
    "sandbox_unavailable",
    `bubblewrap is not installed${why ? ` and could not be: ${why}` : ""}; without it no agent is started.`,
    { next: `Run: ${how}` },
  );
}

function hasProgram(name: string, searchPath: string): boolean {
  return searchPath.split(delimiter).some((folder) =>
    ignoring(["ENOENT", "EACCES", "ENOTDIR"], () => {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    }, false),
  ); // prettier-ignore
}
