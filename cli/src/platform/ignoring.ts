/** Runs `work`; an error with one of these codes is expected and gives `otherwise`, every other one is thrown on. */
export function ignoring<T>(codes: readonly string[], work: () => T, otherwise: T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Error && "code" in error && codes.includes(String(error.code))) return otherwise;
    throw error;
  }
}
