/**
 * For errors that are expected and mean nothing: names their codes and rethrows all others.
 * @example await rm(path).catch(ignoring("ENOENT"))
 */
export function ignoring(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (typeof code === "string" && codes.includes(code)) return undefined;
    throw error;
  };
}
