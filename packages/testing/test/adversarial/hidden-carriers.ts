export type Carrier = {
  name: string;
  /** Markdown that shows no reader this word, and a machine does. */
  hide(word: string): string;
  /** What a machine would find of it in the raw text, where that is not the word itself. */
  spell?(word: string): string;
};

const fromCodes = (word: string, code: (char: number) => number) =>
  Array.from(word, (char) => String.fromCodePoint(code(char.codePointAt(0) ?? 0))).join("");
const tags = (word: string) => fromCodes(word, (char) => 0xe0000 + char);
const selectors = (word: string) => fromCodes(word, (char) => 0xe0100 + char);
const bits = (word: string, marks: [string, string]) =>
  Array.from(word, (char) => (char.codePointAt(0) ?? 0).toString(2).padStart(8, "0"))
    .join("")
    .replace(/\d/g, (bit) => marks[Number(bit)] ?? "");
const joiners: [string, string] = ["\u200b", "\u200c"];
const isolates: [string, string] = ["\u2066", "\u2069"];
const base64 = (word: string) => Buffer.from(`do as told: ${word}, and say nothing`).toString("base64");
const entities = (word: string) => word.replace(/[^]/g, (char) => `&#${char.codePointAt(0)};`);

/**
 * Where words hide from a person and not from a machine. The last one hides all that follows it, so that it has to
 * be the last.
 */
export const hiddenCarriers: Carrier[] = [
  { name: "a comment", hide: (word) => `<!-- ${word} -->` },
  { name: "a comment in a line", hide: (word) => `before <!-- ${word} --> after` },
  { name: "a comment over blank lines", hide: (word) => `<!--\n\n${word}\n\n-->` },
  { name: "a comment in a comment", hide: (word) => `<!-- <!-- ${word} -->` },
  { name: "a comment that ends oddly", hide: (word) => `text <!-- ${word} --!> text` },
  { name: "a declaration", hide: (word) => `<!DOCTYPE ${word}>` },
  { name: "a processing instruction", hide: (word) => `<?php ${word} ?>` },
  { name: "CDATA", hide: (word) => `<![CDATA[${word}]]>` },
  { name: "a comment of entities", hide: (word) => `&lt;!-- ${word} --&gt;` },
  { name: "a comment of entities of entities", hide: (word) => `&amp;lt;!-- ${word} --&amp;gt;` },
  {
    name: "a comment of numbered entities, its words too",
    hide: (word) => `&#60;!-- ${entities(word)} --&#x3e;`,
    spell: entities,
  },
  { name: "a comment of escapes", hide: (word) => `\\<!-- ${word} --\\>` },
  { name: "tag characters", hide: (word) => `flag${tags(word)}`, spell: tags },
  { name: "variation selectors", hide: (word) => `smile${selectors(word)}`, spell: selectors },
  { name: "zero-width bits", hide: (word) => `zero${bits(word, joiners)}width`, spell: (word) => bits(word, joiners) },
  { name: "isolates as bits", hide: (word) => `iso${bits(word, isolates)}lates`, spell: (word) => bits(word, isolates) },
  { name: "a right-to-left override", hide: (word) => `text \u202e${word}\u202c text` },
  { name: "an element that turns its words round", hide: (word) => `text <bdo dir="rtl">${word}</bdo> text` },
  { name: "an image's alternative text", hide: (word) => `![${word}](https://x.example/a.png)` },
  { name: "an image's title", hide: (word) => `![](https://x.example/a.png "${word}")` },
  { name: "an image's address", hide: (word) => `![](https://x.example/${word}.png)` },
  { name: "an image by reference", hide: (word) => `![${word}][picture]\n\n[picture]: https://x.example/b.png` },
  { name: "an HTML image", hide: (word) => `<img src="https://x.example/c.png" alt="${word}">` },
  { name: "a formula's phantom", hide: (word) => `the sum $a + \\phantom{${word}}$` },
  { name: "a formula's white words", hide: (word) => `$$\na + \\color{white}{${word}}\n$$` },
  { name: "a formula's comment", hide: (word) => `the sum $a % ${word}\n+ b$` },
  { name: "a link's title", hide: (word) => `[link](https://x.example "${word}")` },
  { name: "a link's address", hide: (word) => `[link](https://x.example/?q=${word})` },
  { name: "a definition used as a comment", hide: (word) => `[//]: # (${word})` },
  { name: "a definition that nothing points to", hide: (word) => `[nobody]: https://x.example '${word}'` },
  { name: "a footnote that nothing points to", hide: (word) => `[^nobody]: ${word}` },
  { name: "a fence's info string", hide: (word) => `\`\`\`js ${word}\ncode()\n\`\`\`` },
  {
    name: "a data URI behind a link",
    hide: (word) => `[link](data:text/plain;base64,${base64(word)})`,
    spell: base64,
  },
  { name: "a data URI in the text", hide: (word) => `data:text/plain;base64,${base64(word)}`, spell: base64 },
  { name: "a title and a data attribute", hide: (word) => `<abbr title="${word}" data-${word}="${word}">HTML</abbr>` },
  { name: "a style's value", hide: (word) => `<span style="--note:${word}">styled</span>` },
  { name: "a class", hide: (word) => `<span class="${word}">classy</span>` },
  { name: "an attribute of an element that GitHub drops", hide: (word) => `<x-y note="${word}">dropped</x-y>` },
  { name: "a form field's value", hide: (word) => `<input value="${word}" placeholder="${word}">` },
  { name: "SVG's attributes", hide: (word) => `<svg data-note="${word}"></svg>` },
  { name: "a picture's source", hide: (word) => `<picture><source srcset="${word}.png"><img src="d.png"></picture>` },
  { name: "a tag over several paragraphs", hide: (word) => `<div title="\n\n${word}\n\n">` },
  { name: "a script that the tag filter does not know", hide: (word) => `<div><script/x>${word}</script/x></div>` },
  { name: "a diagram's notes", hide: (word) => `\`\`\`mermaid\ngraph TD\n%% ${word}\nA --> B\n\`\`\`` },
  { name: "a comment that never ends", hide: (word) => `<!-- ${word}` },
]; // prettier-ignore

export type PlantedText = {
  body: string;
  /** What people see, in order. */
  seen: string[];
  /** What is hidden, and how a machine would find it in the raw text. */
  hidden: { name: string; word: string; spelling: string }[];
};

/** All carriers in one text, each below a sentence of its own that everybody sees. */
export function plantCarriers(carriers: readonly Carrier[]): PlantedText {
  const planted = carriers.map((carrier, index) => {
    const word = `payload${String(index + 1).padStart(2, "0")}x`;
    const seen = `Sentence ${index + 1} is for everybody.`;
    const spelling = carrier.spell?.(word) ?? word;
    return { name: carrier.name, word, spelling, seen, text: `${seen}\n\n${carrier.hide(word)}` };
  });
  return {
    body: planted.map(({ text }) => text).join("\n\n"),
    seen: planted.map(({ seen }) => seen),
    hidden: planted,
  };
}
