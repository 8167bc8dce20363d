/** The line by which a pull request names its run. Not an HTML comment: people may see it. */
export function runMarker(runId: string): string {
  return `Run: ${runId}`;
}

/** Of the commits of runs: whoever changes or rebases one is its committer. */
export const botEmail = "feedback-chat[bot]@users.noreply.github.com";
