import { cleanText } from "./clean-log.ts";

const noBreak = "\u200b";

/** Text that nobody is told by, that closes, links and shows nothing: every mark of Markdown and GitHub is dead. */
export function neutralise(text: string): string {
  return defuse(cleanText(text))
    .replace(/[\\`*_{}[\]<>()#+\-!|~=&$^:"']/g, "\\$&")
    .replace(/^([^\S\n]*\d+)([.)])/gm, "$1\\$2")
    .replace(/^[ \t]+/gm, "");
}

/** Ends at the next bracket of either kind, so that the search takes time in proportion. */
const inBrackets = /\[([^[\]]*)\]/g;
/** Read with one blank for every run of blanks, hyphens and underscores. Drone and Woodpecker ask for no blank. */
const directive = /^(?:(?:skip|no) [\w./ ]{1,40}|[\w./ ]{1,40} skip|skip|(?:skip|no)c[id]|c[id]skip)$/i;

/**
 * Takes the power from what build services obey in a commit message: `[skip ci]`, `[vercel skip]`, `***NO_CI***`,
 * Codeship's `--skip-ci` and the trailer `skip-checks: true`. A squash merge writes title and body into the message on the base branch, whose
 * checks would then not run. The words stay, in round brackets.
 */
export function unskip(text: string): string {
  return text
    .replace(inBrackets, (whole, words: string) =>
      directive.test(words.replace(/[\s_-]+/g, " ").trim()) ? `(${words})` : whole,
    )
    .replace(/--(skip-ci|ci-skip)/gi, "($1)")
    .replace(/\*{3}(\s*NO_CI\s*)\*{3}/gi, "($1)")
    .replace(/\b((?:skip|request)-checks)\s*:(?=\s*(?:true|yes|1)\b)/gi, "$1 =");
}

/** Mentions, references and addresses are found in the rendered text too, so a backslash is not enough. */
export function defuse(text: string): string {
  return unskip(text)
    .replace(/[@#]/g, `$&${noBreak}`)
    .replace(/\bgh-(?=\d)/gi, `$&${noBreak}`)
    .replace(/:\/\//g, `:${noBreak}//`)
    .replace(/\bwww\./gi, `www${noBreak}.`)
    .replace(/\b(?:github|gitlab)\.com/gi, (host) => host.replace(".", `${noBreak}.`))
    .replace(/\b(?=[0-9a-f]*\d)([0-9a-f]{6})([0-9a-f]+)\b/gi, `$1${noBreak}$2`);
}

/** In backticks nothing is rendered but the backtick itself. */
export function code(text: string): string {
  return `\`${unskip(cleanText(text).replace(/[`\n|]/g, "'")).slice(0, 300)}\``;
}

export function quote(text: string): string {
  return neutralise(text.trim() || "(nothing)")
    .split("\n")
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
}
