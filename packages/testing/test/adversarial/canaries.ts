import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of the host that anybody may write to, so that a program which runs with any right can leave its name. */
export function openCanaries() {
  const parent = mkdtempSync(join(tmpdir(), "feedback-chat-canaries-"));
  const path = join(parent, "canaries");
  mkdirSync(path);
  for (const folder of [parent, path]) chmodSync(folder, 0o777);
  return {
    parent,
    path,
    /** The names of what ran. */
    fired: () => readdirSync(path).sort(),
    clear: () => {
      for (const name of readdirSync(path)) rmSync(join(path, name));
    },
    /** For what an attack's positive control does in the open. */
    room: (name: string) => {
      const room = join(parent, name);
      mkdirSync(room);
      return room;
    },
    [Symbol.dispose]: () => rmSync(parent, { recursive: true, force: true, maxRetries: 5 }),
  };
}

export const people = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@example.com",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@example.com",
};

/** Plain sh outside all walls, with no home of anybody's; its exit code does not count, what it leaves does. */
export function shell(cwd: string, script: string, env: Record<string, string> = {}, args: string[] = []): string {
  return execFileSync("sh", ["-c", `${script}\ntrue`, "sh", ...args], {
    cwd,
    encoding: "latin1",
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: process.env["PATH"] ?? "", HOME: cwd, GIT_TERMINAL_PROMPT: "0", GIT_CONFIG_NOSYSTEM: "1", ...people, ...env },
  }); // prettier-ignore
}
