import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { postgresBinaries } from "../../scripts/postgres.ts";
import type { Figure } from "./figure.ts";

const folder = join(import.meta.dirname, "../results");

/** Keeps the last run of one bench, with what it ran on: numbers without that mean nothing. */
export function saveResults(name: string, figures: readonly Figure[]): void {
  mkdirSync(folder, { recursive: true });
  const kept = {
    takenAt: new Date().toISOString(),
    machine: machine(),
    versions: versions(),
    figures,
  };
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(kept, null, 2)}\n`);
}

function machine() {
  const processors = cpus();
  return {
    cpu: processors[0]?.model ?? "unknown",
    cores: processors.length,
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    // What else ran there: above the number of cores, absolute values say little and ratios are still of one run.
    loadAfter: loadavg().map((value) => Number(value.toFixed(1))),
  };
}

function versions() {
  const postgres = postgresBinaries();
  const { dependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    dependencies: Record<string, string>;
  };
  return {
    node: process.version,
    postgres: postgres ? said(join(postgres, "postgres"), "--version") : "none",
    git: said("git", "--version"),
    pgBoss: dependencies["pg-boss"] ?? "none",
    commit: said("git", "rev-parse", "--short", "HEAD"),
  };
}

function said(program: string, ...args: string[]): string {
  return execFileSync(program, args, { encoding: "utf8", cwd: import.meta.dirname }).trim();
}
