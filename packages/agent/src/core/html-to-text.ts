import { blocks, inlines, plainAttributes, unrendered } from "./html-elements.ts";
import { fence, inlineCode, joinItem, oneLine, quoted, tidy } from "./markdown-marks.ts";
import { type DefaultTreeAdapterTypes, parseFragment } from "parse5";

type Node = DefaultTreeAdapterTypes.ChildNode;
type Element = DefaultTreeAdapterTypes.Element;
type Text = { text: string; hidden: number };

const maxDepth = 150;

/** Prints what a reader of the HTML sees, as plain Markdown; counts what is there and is not seen. */
export function htmlToText(html: string): Text {
  let hidden = 0;
  const fragment = parseFragment(html);

  /** Children that are seen; what is not falls here, and is counted. */
  function seen(nodes: readonly Node[], depth: number): Node[] {
    return nodes.filter((node) => {
      if (node.nodeName === "#text") return true;
      if (!isElement(node) || depth > maxDepth || isHidden(node)) {
        hidden++;
        return false;
      }
      hidden += node.attrs.filter(({ name }) => !plainAttributes.has(name)).length;
      if (!blocks.has(node.tagName) && !inlines.has(node.tagName)) hidden++; // its tag falls, its words are seen
      return true;
    });
  }

  function blocksOf(nodes: readonly Node[], depth: number): string[] {
    const found: string[] = [];
    let line = "";
    const flush = () => {
      const text = tidy(line);
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
    if (tagName === "ul" || tagName === "ol") return list(childNodes, { depth, isOrdered: tagName === "ol" });
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

  function list(nodes: readonly Node[], { depth, isOrdered }: { depth: number; isOrdered: boolean }): string[] {
    const items = seen(nodes, depth).flatMap((node) =>
      isElement(node) ? [blocksOf(node.childNodes, depth + 1)] : blocksOf([node], depth).map((text) => [text]),
    );
    const lines = items.map((item, index) => {
      const marker = isOrdered ? `${index + 1}. ` : "- ";
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

  /** A comment that was never closed, or was built of entities: what follows its beginning is not for readers. */
  function textOf({ value }: DefaultTreeAdapterTypes.TextNode): string {
    const kept = value.replace(/<!--[\s\S]*?(?:-->|$)/g, "");
    if (kept !== value) hidden++;
    return kept.replace(/[ \t]+/g, " ");
  }

  /** Code keeps its white space, and loses its comments and tags like all else. */
  function codeText(element: Element, depth: number): string {
    return seen(element.childNodes, depth)
      .map((node) => (isElement(node) ? codeText(node, depth + 1) : (node as DefaultTreeAdapterTypes.TextNode).value))
      .join("");
  }

  return { text: blocksOf(fragment.childNodes, 0).join("\n\n"), hidden };
}

function isElement(node: Node): node is Element {
  return "tagName" in node;
}

function isHidden(element: Element): boolean {
  // `bdo` turns its words round: no reader sees the ones that a machine reads.
  if (
    element.tagName === "bdo" ||
    unrendered.has(element.tagName) ||
    element.namespaceURI !== "http://www.w3.org/1999/xhtml"
  )
    return true;
  return element.attrs.some(
    ({ name, value }) => name === "hidden" || name === "style" || (name === "aria-hidden" && value !== "false"),
  );
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
