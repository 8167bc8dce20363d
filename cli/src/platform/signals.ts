/** The usual exit codes of a program that a signal ended. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Name = keyof typeof exitCodes;

/**
 * Ctrl-C, SIGTERM and the end of the terminal as an AbortSignal, whose reason says which it was; the second one calls
 * what was registered for it.
 */
export function watchSignals(process: NodeJS.Process) {
  const first = new AbortController();
  const seconds: (() => void)[] = [];
  const heard = (name: Name) => {
    if (!first.signal.aborted) first.abort(stoppedBy(name));
    else for (const call of seconds) call();
  };
  const names = Object.keys(exitCodes) as Name[];
  for (const name of names) process.on(name, heard);
  return {
    signal: first.signal,
    onSecond: (call: () => void) => void seconds.push(call),
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, heard);
    },
  };
}

/** Thrown to end a command that a person stopped: no failure, nothing to explain. */
export function stoppedBy(name: Name): Error {
  return Object.assign(new Error(`stopped by ${name}`), { name: "Stopped", exitCode: exitCodes[name] });
}

/** The exit code when a signal ended the work; undefined for every other error. */
export function exitCodeOfStop(error: unknown): number | undefined {
  const isStop = error instanceof Error && error.name === "Stopped" && "exitCode" in error;
  return isStop ? Number(error.exitCode) : undefined;
}
