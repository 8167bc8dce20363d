import { cleanText } from "./clean-log.ts";

const noBreak = "\u200b";

/** Text that nobody is told by, that closes, links and shows nothing: every mark of Markdown and GitHub is dead. */
export function neutralise(text: string): string {
  return defuse(cleanText(text))
    .replace(/[\\`*_{}[\]<>()#+\-!|~=&$^:"']/g, "\\$&")
    .replace(/^(\s*\d+)([.)])/gm, "$1\\$2")
    .replace(/^[ \t]+/gm, "");
}

/** Mentions, references and addresses are found in the rendered text too, so a backslash is not enough. */
export function defuse(text: string): string {
  return text
    .replace(/[@#]/g, `$&${noBreak}`)
    .replace(/\bgh-(?=\d)/gi, `$&${noBreak}`)
    .replace(/:\/\//g, `:${noBreak}//`)
    .replace(/\bwww\./gi, `www${noBreak}.`)
    .replace(/\b(?:github|gitlab)\.com/gi, (host) => host.replace(".", `${noBreak}.`))
    .replace(/\b(?=[0-9a-f]*\d)([0-9a-f]{6})([0-9a-f]+)\b/gi, `$1${noBreak}$2`);
}

/** In backticks nothing is rendered but the backtick itself. */
export function code(text: string): string {
  return `\`${cleanText(text)
    .replace(/[`\n|]/g, "'")
    .slice(0, 300)}\``;
}

export function quote(text: string): string {
  return neutralise(text.trim() || "(nothing)")
    .split("\n")
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");
}
