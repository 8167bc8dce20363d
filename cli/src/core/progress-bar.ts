const cells = 24;

/**
 * One line of a terminal: `[########----------------]  33 %`. Never full before the end: what is fetched is only
 * about as large as we say.
 */
export function progressBar(done: number, total: number): string {
  const share = Math.min(0.99, Math.max(0, done / total));
  const filled = Math.floor(share * cells);
  return `[${"#".repeat(filled)}${"-".repeat(cells - filled)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
}
