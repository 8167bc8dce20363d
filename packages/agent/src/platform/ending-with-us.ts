/**
 * The command, so started that the kernel kills it when we die, however we die. Where setpriv can do it (Linux); else
 * the command as it is.
 */
export function endingWithUs(command: string, args: readonly string[]): [command: string, args: string[]] {
  const script = 'setpriv --pdeathsig KILL true 2>/dev/null && exec setpriv --pdeathsig KILL "$0" "$@"; exec "$0" "$@"';
  return ["/bin/sh", ["-c", script, command, ...args]];
}
