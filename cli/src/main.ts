import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { isProblem, Problem, problems } from "@feedback-chat/protocol/problem";
import { CommanderError } from "commander";
import { buildProgram, isPlainEnd } from "./build-program.ts";
import type { CommandContext } from "./command.ts";
import { parseCliConfig } from "./config.ts";
import { exitCodeOfStop, watchSignals } from "./platform/signals.ts";
import { useNetwork } from "./platform/use-network.ts";
import { makeTerminal } from "./platform/terminal.ts";

/** Runs the command line; sets `process.exitCode` and never calls `process.exit`, so that slow pipes are not cut. */
export async function main(): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const config = parseCliConfig(process.env);
  const isJson = process.argv.includes("--json");
  const isVerbose = process.argv.includes("--verbose");
  using signals = watchSignals(process);
  let name = "feedback-chat";
  const terminal = makeTerminal({ stdin: process.stdin, stdout: process.stdout, stderr: process.stderr }, {
    isJson,
    isQuiet: process.argv.includes("-q") || process.argv.includes("--quiet"),
    isInteractive: !config.isCi && !config.isInputOff && !process.argv.includes("--no-input"),
    isColourOff: config.isColourOff || process.argv.includes("--no-color"),
    signal: signals.signal,
  }); // prettier-ignore
  const program = buildProgram(version, async (row, flags, run) => {
    name = row.name;
    const context: CommandContext = {
      terminal, config, flags, version,
      folder: resolve(flags.cwd ?? "."),
      signal: signals.signal,
      onSecondSignal: signals.onSecond,
    }; // prettier-ignore
    await useNetwork(config.all);
    const code = await run(context);
    // A command that ended its work on a signal and says nothing else reports the signal.
    process.exitCode = code ?? exitCodeOfStop(signals.signal.reason) ?? 0;
  });
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    if (isPlainEnd(error)) return;
    const stopped = exitCodeOfStop(error);
    if (stopped !== undefined) {
      process.exitCode = stopped;
      return;
    }
    const problem = asProblem(error);
    process.exitCode = problem ? problems[problem.code].exitCode : 1;
    terminal.failure(name, problem ?? (error as Error), isVerbose || !problem);
  } finally {
    // An unread stdin would keep the process alive.
    process.stdin.unref?.();
  }
}

function asProblem(error: unknown): Problem | undefined {
  if (isProblem(error)) return error;
  if (error instanceof CommanderError) return new Problem("usage", error.message.replace(/^error: /, ""));
  if ((error as NodeJS.ErrnoException).code === "ENOSPC")
    return new Problem("disk_full", "The disk is full.", { cause: error });
  if ((error as NodeJS.ErrnoException).syscall === "mkdtemp")
    return new Problem("machine_unfit", `No temporary folder can be made: ${(error as Error).message}.`, {
      next: "Make the folder for temporary files, or set TMPDIR to one that this user may write.",
      cause: error,
    });
  return undefined;
}
