/** Lines that say nothing about why an install failed, and progress. */
const noise = [
  /^npm (warn|notice|WARN)\b/, /^npm (error|ERR!)\s*$/, /^npm (error|ERR!) (A complete log of this run|    \S+debug-\d+\.log)/,
  /\.log$/, /^(info|warning|success) /, /^yarn install v/, /^\[\d\/\d\]/, /^Progress: /, /^Lockfile is up to date/, /^Done in /,
  /^➤ YN00(00|02|04|05|07|13|19|50|60|62|65|76|86|85|68):/, /^(bun install v|Resolved|Resolving|Saved lockfile|\s*$)/, /^ ?WARN /,
]; // prettier-ignore
/** Lines with which a package manager says what is wrong; the first starts what is shown. */
const cause = [
  /^npm (error|ERR!)/, /^ ?\[?(ERR_PNPM_|ERROR)/, /ERR_PNPM_/, /^error\b/i, /^➤ YN\d{4}:/, /^Usage Error:/, /^Internal Error:/,
  / is not the one that is pinned/,
]; // prettier-ignore
/** npm explains its own command after some causes. */
const usage = /^npm (error|ERR!) (Clean install a project|Usage:)$/;
const maxLines = 14;
const maxLength = 1_200;

/**
 * Picks from a failed install's output the lines that name its cause, such as `Missing: ms@2.1.3 from lock file`:
 * without warnings, progress and what npm always adds. Without such a line, the last ones.
 */
export function installFailure(output: string): string {
  const lines = output
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== "" && !noise.some((pattern) => pattern.test(line)));
  const start = lines.findIndex((line) => cause.some((pattern) => pattern.test(line)));
  const end = lines.findIndex((line) => usage.test(line));
  const told = end === -1 ? lines : lines.slice(0, end);
  const shown = start === -1 ? told.slice(-maxLines) : told.slice(start, start + maxLines);
  return shown.map(plain).join("\n").slice(0, maxLength);
}

function plain(line: string): string {
  return line.replace(/^npm (?:error|ERR!) ?/, "").replace(/^➤ (YN\d{4}): [│┌└·] ?/, "$1: ");
}
