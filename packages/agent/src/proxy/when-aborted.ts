/** Takes the error of what was given up, and no other. */
export function whenAborted(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (signal.aborted) return undefined;
    throw error;
  };
}
