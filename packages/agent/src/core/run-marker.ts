/** The line by which a pull request names its run. Not an HTML comment: people may see it. */
export function runMarker(runId: string): string {
  return `Run: ${runId}`;
}
