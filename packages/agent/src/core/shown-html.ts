import { type Token, Tokenizer, TokenizerMode } from "parse5";
import { blocks, inlines, nesting, plainAttributes, spacing } from "./html-elements.ts";

type Html = { html: string; hidden: number };

const maxOpen = 100;
/** What the printer of text tells apart. All other elements in a line leave no trace in it. */
const printed = new Set(["br", "img", "code", "bdo"]);
const rawText = new Map<string, (typeof TokenizerMode)[keyof typeof TokenizerMode]>([
  ["style", TokenizerMode.RAWTEXT],
  ["xmp", TokenizerMode.RAWTEXT],
  ["iframe", TokenizerMode.RAWTEXT],
  ["noembed", TokenizerMode.RAWTEXT],
  ["noframes", TokenizerMode.RAWTEXT],
  ["title", TokenizerMode.RCDATA],
  ["textarea", TokenizerMode.RCDATA],
  ["script", TokenizerMode.SCRIPT_DATA],
  ["plaintext", TokenizerMode.PLAINTEXT],
]);

/**
 * Keeps of HTML what GitHub shows: the elements of its list, and the words of all others. Comments, attributes with
 * words and the content of scripts fall and are counted. What is left has no element with parsing rules of its own
 * (`select`, `svg`, formatting around blocks) and is at most 100 deep, so that building a tree of it is quick, and
 * no tag that was never closed takes the rest of the text with it.
 */
export function keepShown(html: string): Html {
  const kept: string[] = [];
  const open: string[] = [];
  let hidden = 0;
  let inScript = false;

  const onText = ({ chars }: Token.CharacterToken) => {
    if (!inScript) kept.push(escapeHtml(chars));
  };
  const onStartTag = (tag: Token.TagToken) => {
    const { tagName, attrs } = tag;
    hidden += attrs.filter(({ name }) => !plainAttributes.has(name)).length;
    const mode = rawText.get(tagName);
    if (mode !== undefined) tokenizer.state = mode;
    inScript = tagName === "script";
    const name = spacing.has(tagName) ? "div" : tagName;
    if (!blocks.has(tagName) && !inlines.has(tagName)) hidden++; // its tag falls, its words are seen
    if (printed.has(name)) kept.push(`<${name}>`);
    if (!blocks.has(name)) return;
    if (nesting.has(name)) {
      if (open.length >= maxOpen) return;
      open.push(name);
    }
    kept.push(`<${name}${startOf(tag)}>`);
  };
  const onEndTag = ({ tagName, attrs }: Token.TagToken) => {
    hidden += attrs.length;
    inScript &&= tagName !== "script";
    const name = spacing.has(tagName) ? "div" : tagName;
    if (nesting.has(name)) {
      const at = open.lastIndexOf(name);
      // As in a browser, what is open around a table cannot be closed in it.
      if (at === -1 || (name !== "table" && at < open.lastIndexOf("table"))) return;
      open.length = at;
    }
    if (blocks.has(name) || printed.has(name)) kept.push(`</${name}>`);
  };
  const tokenizer = new Tokenizer(
    {},
    {
      onStartTag,
      onEndTag,
      onCharacter: onText,
      onWhitespaceCharacter: onText,
      onNullCharacter: () => undefined,
      onComment: () => void hidden++,
      onDoctype: () => void hidden++,
      onEof: () => undefined,
      onParseError: ({ code }) => void (hidden += code === "eof-in-tag" ? 1 : 0),
    },
  );
  tokenizer.write(html, true);
  return { html: kept.join(""), hidden };
}

function startOf({ tagName, attrs }: Token.TagToken): string {
  const start = tagName === "ol" && attrs.find(({ name, value }) => name === "start" && /^\d{1,6}$/.test(value));
  return start ? ` start="${start.value}"` : "";
}

/** Text as the text of an element. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
