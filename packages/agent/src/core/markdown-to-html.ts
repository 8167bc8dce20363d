import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { gfm } from "micromark-extension-gfm";
import { filterTags } from "./html-elements.ts";
import { escapeHtml } from "./shown-html.ts";

type Node = ReturnType<typeof fromMarkdown> | ReturnType<typeof fromMarkdown>["children"][number];
type Html = { html: string; hidden: number };
type Opened = { before: string; after: string };

/** Fences that GitHub draws: a reader sees a picture, and none of the words that steer it. */
const drawn = new Set(["mermaid", "geojson", "topojson", "stl", "math"]);

/**
 * Renders Markdown as GitHub does: the text's own tags stay, but for those of the tag filter, which become text.
 * Definitions and unreferenced footnotes are never shown: they fall here. Attributes are written with quotes and
 * empty, since a tag that was left open ends at the first quote or bracket behind it.
 * Walks with a stack of its own: nesting is the author's to choose.
 */
export function markdownToHtml(markdown: string): Html {
  const root = fromMarkdown(markdown, {
    extensions: [gfm()],
    mdastExtensions: [gfmFromMarkdown()],
  });
  let hidden = dropExcessCells(root);
  const referenced = footnotesIn(root);
  const parts: string[] = [];
  const open: (Node | string)[] = [root];
  for (let item = open.pop(); item !== undefined; item = open.pop()) {
    if (typeof item === "string") {
      parts.push(item);
    } else if (item.type === "definition" || (item.type === "footnoteDefinition" && !referenced.has(item.identifier))) {
      hidden++;
    } else if (item.type === "html") {
      parts.push(filterTags(item.value));
    } else if (item.type === "code" && drawn.has(item.lang?.toLowerCase() ?? "")) {
      hidden++;
      parts.push("<p>[diagram]</p>");
    } else {
      const { before, after } = elementOf(item);
      parts.push(before);
      open.push(after, ...partsOf(item).toReversed());
      if (item.type === "code" && item.meta) hidden++;
    }
  }
  return { html: parts.join(""), hidden };
}

function elementOf(node: Node): Opened {
  switch (node.type) {
    case "text":
      return leaf(escapeHtml(node.value));
    case "inlineCode":
      return leaf(`<code>${escapeHtml(node.value)}</code>`);
    case "code":
      return leaf(`<pre><code>${escapeHtml(node.value)}</code></pre>`);
    case "break":
      return leaf("<br>");
    case "image":
    case "imageReference":
      return leaf('<img alt="">');
    case "footnoteReference":
      return leaf("");
    case "link":
      return { before: isShown(node) ? "<a>" : '<a href="">', after: "</a>" };
    case "heading":
      return wrap(`h${node.depth}`);
    case "list":
      return node.ordered ? { before: `<ol start="${node.start ?? 1}">`, after: "</ol>" } : wrap("ul");
    default:
      return wrap(elements[node.type] ?? "span");
  }
}

const elements: Partial<Record<Node["type"], string>> = {
  paragraph: "p",
  blockquote: "blockquote",
  footnoteDefinition: "div",
  table: "table",
  tableRow: "tr",
  tableCell: "td",
  thematicBreak: "p",
  root: "div",
  listItem: "li",
};

/** The children; a task's box stands in its first paragraph. */
function partsOf(node: Node): (Node | string)[] {
  if (!("children" in node)) return [];
  const [first, ...rest] = node.children;
  if (node.type !== "listItem" || node.checked == null || first?.type !== "paragraph") return node.children;
  return ["<p>", node.checked ? "[x] " : "[ ] ", ...first.children, "</p>", ...rest];
}

/** An address that is its own text hides nothing. */
function isShown(link: {
  url: string;
  title?: string | null | undefined;
  children: readonly { type: string; value?: unknown }[];
}): boolean {
  const [only] = link.children;
  if (link.title || link.children.length !== 1 || only?.type !== "text") return false;
  return (
    link.url === only.value ||
    link.url === `http://${String(only.value)}` ||
    link.url === `mailto:${String(only.value)}`
  );
}

/** GitHub ignores the cells of a row beyond the header's. They fall first: a footnote that only they name is not shown. */
function dropExcessCells(root: Node): number {
  let dropped = 0;
  const open: Node[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.type === "table") {
      const columns = node.align?.length ?? 0;
      for (const row of node.children) dropped += row.children.splice(columns).length;
    } else if ("children" in node) for (const child of node.children) open.push(child);
  }
  return dropped;
}

function footnotesIn(root: Node): Set<string> {
  const found = new Set<string>();
  const open: Node[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.type === "footnoteReference") found.add(node.identifier);
    if ("children" in node) for (const child of node.children) open.push(child);
  }
  return found;
}

function leaf(before: string): Opened {
  return { before, after: "" };
}

function wrap(name: string): Opened {
  return { before: `<${name}>`, after: `</${name}>` };
}
