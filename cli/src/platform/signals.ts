/** The usual exit codes of a program that a signal ended. */
const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** `logs | head -1`: the reader has what it wanted. */
const exitCodes = { ...signalCodes, EPIPE: 0 } as const;
type Name = keyof typeof exitCodes;

/**
 * Ctrl-C, SIGTERM and the end of the terminal as an AbortSignal, whose reason says which it was. Ctrl-C or SIGTERM after
 * that calls what was registered for it; a terminal that goes says so several times, and is one stop.
 */
export function watchSignals(process: NodeJS.Process) {
  const first = new AbortController();
  const seconds: (() => void)[] = [];
  const stop = (name: Name) => first.abort(stoppedBy(name));
  const heard = (name: Name) => {
    if (!first.signal.aborted) stop(name);
    else if (name !== "SIGHUP") for (const call of seconds) call();
  };
  const names = Object.keys(signalCodes) as (keyof typeof signalCodes)[];
  for (const name of names) process.on(name, heard);
  // A reader that left, and a terminal that is gone: the work ends in order, and nothing is said to nobody.
  for (const stream of [process.stdin, process.stdout])
    stream.on("error", (error: NodeJS.ErrnoException) => stop(goneOr(error)));
  process.stderr.on("error", (error: NodeJS.ErrnoException) => void goneOr(error));
  return {
    signal: first.signal,
    onSecond: (call: () => void) => void seconds.push(call),
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, heard);
    },
  };
}

function goneOr(error: NodeJS.ErrnoException): Name {
  if (error.code === "EPIPE") return "EPIPE";
  if (error.code === "EIO") return "SIGHUP";
  throw error;
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
