import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { postgresBinaries } from "./postgres.ts";

export interface SystemPackage {
  /** Debian's name. */
  name: string;
  why: string;
  isThere: () => boolean;
}

export const systemPackages: SystemPackage[] = [
  { name: "git", why: "the pipeline's clone and push", isThere: () => isOnPath("git") },
  { name: "bubblewrap", why: "the agent's sandbox", isThere: () => isOnPath("bwrap") },
  { name: "faketime", why: "workers whose clock is wrong", isThere: () => isOnPath("faketime") },
  { name: "openssl", why: "certificate authorities of tests", isThere: () => isOnPath("openssl") },
  { name: "chromium", why: "tests in a real browser", isThere: () => isOnPath("chromium") },
  {
    name: "postgresql",
    why: "tests on a real PostgreSQL",
    isThere: () => postgresBinaries() !== undefined,
  },
  {
    name: "pgbouncer",
    why: "tests behind a pooler",
    isThere: () => isOnPath("pgbouncer") || existsSync("/usr/sbin/pgbouncer"),
  },
];

function isOnPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, program)));
}

/** What to do about packages that are missing: install as root on Debian, else tell the person the command. */
export function planInstall(
  missing: readonly string[],
  machine: { isRoot: boolean; hasApt: boolean },
): "nothing" | "install" | "tell" {
  if (missing.length === 0) return "nothing";
  return machine.isRoot && machine.hasApt ? "install" : "tell";
}

/** Tests are never skipped for want of a program: it is installed, or the run stops here. */
export function ensureSystemPackages(packages: SystemPackage[] = systemPackages): boolean {
  const missing = packages.filter((entry) => !entry.isThere());
  const names = missing.map((entry) => entry.name);
  const plan = planInstall(names, {
    isRoot: process.getuid?.() === 0,
    hasApt: isOnPath("apt-get"),
  });
  if (plan === "nothing") return true;
  const reasons = missing.map((entry) => `${entry.name} (${entry.why})`).join(", ");
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...names];
  if (plan === "tell") {
    process.stderr.write(
      `Missing: ${reasons}. On Debian or Ubuntu:\n  sudo apt-get update && sudo ${install.join(" ")}\n`,
    );
    return false;
  }
  process.stderr.write(`Missing: ${reasons}. Installing with apt-get, as root.\n`);
  return apt(["apt-get", "update"]) && apt(install) && missing.every((entry) => entry.isThere());
}

function apt([program = "", ...args]: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status } = spawnSync(program, args, { stdio: ["ignore", 2, 2], env });
  if (status !== 0) process.stderr.write(`${program} ${args.join(" ")} ended with ${status}\n`);
  return status === 0;
}
