const words = (list: string) => new Set(list.split(" "));

/**
 * The elements that GitHub shows, by its published rules (`html-pipeline`, `SanitizationFilter`): these stand as
 * blocks, those below in a line. Of every other element GitHub drops the tags and keeps the words.
 */
export const blocks = words(
  "p div h1 h2 h3 h4 h5 h6 ul ol li blockquote pre table thead tbody tfoot tr td th caption dl dt dd details summary figure figcaption hr section",
);
export const inlines = words(
  "a abbr b bdo br cite code del dfn em i img ins kbd mark picture q rp rt ruby s samp small source span strike strong sub sup time tt u var wbr",
);
/** Dropped like all others, but a browser would begin a new line there, and so do we. */
export const spacing = words(
  "article aside header footer main nav address center form fieldset hgroup dir menu option optgroup",
);
/** Blocks that can hold themselves without end. The others close by themselves. */
export const nesting = words(
  "div h1 h2 h3 h4 h5 h6 ul ol blockquote pre table dl details summary figure figcaption section",
);
/** Attributes whose values show no words. All others hold words that nobody sees. */
export const plainAttributes = words("align width height colspan rowspan start open dir");

/** The tag filter of GitHub Flavored Markdown, section 6.11: these tags are shown as text. */
const filtered = "title|textarea|style|xmp|iframe|noembed|noframes|script|plaintext";
const filteredTag = new RegExp(`<(?=/?(?:${filtered})(?:[\\t\\n\\f\\r >]|/>))`, "gi");

export function filterTags(html: string): string {
  return html.replace(filteredTag, "&lt;");
}

const tagOfMarkup = new RegExp(`<(?=!--|![a-z]|!\\[CDATA\\[|\\?|/?(?!(?:${filtered})(?:[\\s>]|/>))[a-z][^<>]*>)`, "gi");

/** Words of a text that would be read as a tag the next time. Those of the tag filter are text every time. */
export function escapeTags(text: string): string {
  return text.replace(tagOfMarkup, "\\<");
}
