import { blocks, escapeTags } from "./html-elements.ts";
import { fence, inlineCode, joinItem, oneLine, quoted, tidy } from "./markdown-marks.ts";
import { keepShown } from "./shown-html.ts";
import { type DefaultTreeAdapterTypes, parseFragment } from "parse5";

type Node = DefaultTreeAdapterTypes.ChildNode;
type Element = DefaultTreeAdapterTypes.Element;
type Text = { text: string; hidden: number };

/** Far above what `keepShown` leaves: a guard for the stack. */
const maxDepth = 1_000;

/** Prints what a reader of the HTML on GitHub sees, as plain Markdown; counts what is there and is not seen. */
export function htmlToText(html: string): Text {
  const shown = keepShown(html);
  let hidden = shown.hidden;
  const fragment = parseFragment(shown.html);

  /** Children that are seen. `bdo` turns its words round: no reader sees the ones that a machine reads. */
  function seen(nodes: readonly Node[], depth: number): Node[] {
    return nodes.filter((node) => {
      if (node.nodeName === "#text") return true;
      if (isElement(node) && node.tagName !== "bdo" && depth <= maxDepth) return true;
      hidden++;
      return false;
    });
  }

  function blocksOf(nodes: readonly Node[], depth: number): string[] {
    const found: string[] = [];
    let line = "";
    const flush = () => {
      const text = plainLines(tidy(line));
      if (text !== "") found.push(text);
      line = "";
    };
    for (const node of seen(nodes, depth)) {
      if (isElement(node) && hasBlock(node)) {
        flush();
        found.push(...blockOf(node, depth + 1));
      } else line += inlineOf(node, depth + 1);
    }
    flush();
    return found;
  }

  function blockOf(element: Element, depth: number): string[] {
    const { tagName, childNodes } = element;
    if (tagName === "pre") return [fence(codeText(element, depth))];
    if (/^h[1-6]$/.test(tagName))
      return blocksOf(childNodes, depth).map((text) => `${"#".repeat(Number(tagName[1]))} ${oneLine(text)}`);
    if (tagName === "blockquote") return quoted(blocksOf(childNodes, depth));
    if (tagName === "ul" || tagName === "ol") return list(element, depth);
    if (tagName === "tr")
      return [
        seen(childNodes, depth)
          .filter(isElement)
          .map((cell) => oneLine(blocksOf(cell.childNodes, depth + 1).join(" ")))
          .join(" | ")
          .trim(),
      ].filter(Boolean);
    if (["table", "thead", "tbody", "tfoot"].includes(tagName))
      return [blocksOf(childNodes, depth).join("\n")].filter(Boolean);
    return blocksOf(childNodes, depth);
  }

  function list({ tagName, attrs, childNodes }: Element, depth: number): string[] {
    const start = Number(attrs.find(({ name }) => name === "start")?.value ?? 1);
    const items = seen(childNodes, depth).flatMap((node) =>
      isElement(node) ? [blocksOf(node.childNodes, depth + 1)] : blocksOf([node], depth).map((text) => [text]),
    );
    const lines = items.map((item, index) => {
      const marker = tagName === "ol" ? `${start + index}. ` : "- ";
      return (marker + joinItem(item).replaceAll("\n", `\n${" ".repeat(marker.length)}`)).replace(/[ \t]+$/gm, "");
    });
    return lines.length > 0 ? [lines.join("\n")] : [];
  }

  function inlineOf(node: Node, depth: number): string {
    if (node.nodeName === "#text") return textOf(node as DefaultTreeAdapterTypes.TextNode);
    if (!isElement(node)) return "";
    if (node.tagName === "br") return "\n";
    if (node.tagName === "img") return "[image]";
    if (node.tagName === "code") return inlineCode(codeText(node, depth + 1));
    return seen(node.childNodes, depth)
      .map((child) => inlineOf(child, depth + 1))
      .join("");
  }

  /** A comment that was built of entities or escapes is meant for machines. One without an end is what people see. */
  function textOf({ value }: DefaultTreeAdapterTypes.TextNode): string {
    const kept = value.replace(/<!--[\s\S]*?--!?>/g, "");
    if (kept !== value) hidden++;
    return escapeTags(kept.replace(/[ \t]+/g, " ")).replaceAll("](", "\\](");
  }

  /** Code keeps its white space. */
  function codeText(element: Element, depth: number): string {
    return seen(element.childNodes, depth)
      .map((node) => {
        if (!isElement(node)) return (node as DefaultTreeAdapterTypes.TextNode).value;
        if (node.tagName === "br") return "\n";
        return node.tagName === "img" ? "[image]" : codeText(node, depth + 1);
      })
      .join("");
  }

  return { text: blocksOf(fragment.childNodes, 0).join("\n\n"), hidden };
}

function isElement(node: Node): node is Element {
  return "tagName" in node;
}

/** A line's first words, read again, begin neither a block of HTML nor a definition that nobody would see. */
function plainLines(text: string): string {
  return text
    .replace(/^<(?=[/a-z])/gim, "\\<")
    .replace(/^(\[[^\]\n]{1,999})(?=\]:)/gm, "$1\\")
    .replace(/\[image\](?=[([])/g, "$& ");
}

/** An element that the parser left around a block, such as `<b><p>`, is shown as blocks too. */
function hasBlock(element: Element): boolean {
  const open: Node[] = [element];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!isElement(node)) continue;
    if (blocks.has(node.tagName)) return true;
    open.push(...node.childNodes);
  }
  return false;
}
