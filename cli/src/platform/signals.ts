export const signalExitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
type Name = keyof typeof signalExitCodes;

/** Ctrl-C and SIGTERM as an AbortSignal; the second one calls what was registered for it. */
export function watchSignals(process: NodeJS.Process) {
  const first = new AbortController();
  const seconds: (() => void)[] = [];
  const heard = (name: Name) => {
    if (!first.signal.aborted) first.abort(name);
    else for (const call of seconds) call();
  };
  const names = Object.keys(signalExitCodes) as Name[];
  for (const name of names) process.on(name, heard);
  return {
    signal: first.signal,
    onSecond: (call: () => void) => void seconds.push(call),
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, heard);
    },
  };
}
