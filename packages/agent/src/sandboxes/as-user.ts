/** Started by root, inner 1000 would be the host's 0: the uid is dropped before the walls are built. */
export function asUser(
  { userId }: { userId: number },
  uid: number,
  argv: string[],
): { command: string; args: string[] } {
  const [command = "", ...args] = argv;
  if (userId !== 0) return { command, args };
  return {
    command: "setpriv",
    args: [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--inh-caps=-all", "--no-new-privs", "--", ...argv],
  };
}
