import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import { commands, environments } from "./formula-words.ts";

// A dollar that opens and one that closes, as GitHub takes them for signs of a formula and not of a price.
const inner = String.raw`[^$\\\n]|\\[^]|\n(?![ \t]*\n)`;
const formulas = new RegExp(
  String.raw`(?<!\\)\$\$(?:${inner}|\$(?!\$))*?\$\$` +
    "|" +
    String.raw`(?<![\\$\p{L}\p{N}])\$(?![\s$])(?:${inner})*?(?<!\s)\$(?![\p{L}\p{N}$])`,
  "gu",
);
/** What is written for a formula that may hide words. */
const instead = "(formula)";

/**
 * Replaces each formula that GitHub draws of TeX and that may hold words which no reader sees: comments, phantoms,
 * colors, sizes, labels, definitions. Formulas of nothing but known visible commands stay as they are written.
 */
export function dropHiddenFormulas(markdown: string): { text: string; hidden: number } {
  if (!/\$[^$]*[\\%]/.test(markdown)) return { text: markdown, hidden: 0 };
  const parts: string[] = [];
  let hidden = 0;
  let end = 0;
  const prose = withoutCode(markdown);
  for (const { 0: found, index } of prose.matchAll(formulas)) {
    const source = markdown.slice(index, index + found.length);
    if (index < end || isAllShown(source)) continue;
    hidden++;
    parts.push(markdown.slice(end, index), instead);
    end = isBalanced(source) ? index + found.length : lastDollarAfter(prose, index + found.length);
  }
  return { text: parts.join("") + markdown.slice(end), hidden };
}

/** Text inside a formula may hold formulas of its own, whose dollars look like the end of the outer one. */
function isBalanced(source: string): boolean {
  const braces = source.replace(/\\[^]/g, "").replace(/[^{}]/g, "");
  return braces.split("{").length === braces.split("}").length;
}

/** The end of the last formula that the paragraph can hold. */
function lastDollarAfter(prose: string, at: number): number {
  const paragraph = prose.slice(at).search(/\n[ \t]*\n/);
  const last = prose.lastIndexOf("$", paragraph === -1 ? prose.length : at + paragraph);
  return Math.max(at, last + 1);
}

/** Whether a TeX formula, in its dollars, shows everything that it says. */
function isAllShown(source: string): boolean {
  if (/(?<!\\)(?:\\\\)*%/.test(source) || !isBalanced(source)) return false;
  for (const [, word = "", argument] of source.matchAll(/\\([a-z]+\*?|[^])(\{[^{}]*\}|\[)?/gi)) {
    if (word === "begin" || word === "end") {
      if (!environments.has(argument ?? "")) return false;
    } else if (!commands.has(word) || (word === "\\" && argument === "[")) return false;
  }
  return true;
}

/** The same length, with nothing of a formula's where code stands: spans as one word, blocks as blank lines. */
function withoutCode(markdown: string): string {
  const root = fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });
  const parts: string[] = [];
  let end = 0;
  const open: Node[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if ("children" in node) open.push(...node.children.toReversed());
    if (node.type !== "code" && node.type !== "inlineCode") continue;
    const [from = end, to = end] = [node.position?.start.offset, node.position?.end.offset];
    parts.push(markdown.slice(end, from), (node.type === "code" ? "\n" : "\0").repeat(to - from));
    end = to;
  }
  return parts.join("") + markdown.slice(end);
}

type Node = ReturnType<typeof fromMarkdown> | ReturnType<typeof fromMarkdown>["children"][number];
