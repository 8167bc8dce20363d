import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxBodyChars, maxTitleChars, sanitise } from "./sanitise.ts";

const raw = {
  issueNumber: 7,
  issueUrl: "https://github.com/o/r/issues/7",
  title: "A title",
  body: "",
  labels: ["feedback-bot"],
  author: "someone",
  comments: [],
  frozenAt: "2026-11-21T00:00:00Z",
};
const clean = (body: string) => sanitise({ ...raw, body });
const tags = (text: string) =>
  Array.from(text, (char) => String.fromCodePoint(0xe0000 + (char.codePointAt(0) ?? 0))).join("");

/** Case 2: where words hide from a reader and not from a machine. Each stands between two words that are seen. */
const carriers: [string, string][] = [
  ["a comment", "<!-- HIDDEN -->"],
  ["a comment in a line", "seen <!-- HIDDEN --> too"],
  ["a comment over blank lines", "<!--\n\nHIDDEN\n\n-->"],
  ["a comment with a comment in it", "<!-- <!-- HIDDEN --> "],
  ["a declaration", "<!HIDDEN >"],
  ["a processing instruction", "<?HIDDEN ?>"],
  ["CDATA", "<![CDATA[HIDDEN]]>"],
  ["a comment of entities", "&lt;!-- HIDDEN --&gt;"],
  ["a comment of double entities", "&amp;lt;!-- HIDDEN --&amp;gt;"],
  ["a comment of numeric entities", "&#60;!-- HIDDEN --&#x3e;"],
  ["a comment of escapes", "\\<!-- HIDDEN --\\>"],
  ["tag characters", tags("HIDDEN")],
  [
    "variation selectors",
    Array.from("HIDDEN", (char) => `x${String.fromCodePoint(0xe0100 + char.charCodeAt(0))}`).join(""),
  ],
  ["zero-width bits", "a\u200b\u200c\u200d\u2060\ufeffb"],
  ["a right-to-left override", "\u202eHIDDEN\u202c"],
  ["an override inside an override", "\u202ea\u202db\u202cHIDDEN\u202c seen"],
  ["an element that turns its words round", '<bdo dir="rtl">HIDDEN</bdo>'],
  ["a diagram's notes", "```mermaid\n%% HIDDEN\nA --> B\n```"],
  ["isolates", "\u2066\u2069"],
  ["an image's alternative text", "![HIDDEN](x.png)"],
  ["an image's title", '![](x.png "HIDDEN")'],
  ["an image's address", "![](https://x.example/HIDDEN)"],
  ["an image by reference", "![HIDDEN][img]\n\n[img]: x.png"],
  ["an HTML image", '<img alt="HIDDEN" src="x">'],
  ["a link's title", '[seen](https://x.example "HIDDEN")'],
  ["a link's address", "[seen](https://x.example/HIDDEN)"],
  ["a definition as a comment", "[//]: # (HIDDEN)"],
  ["a definition", "[any]: https://x.example 'HIDDEN'"],
  ["a footnote nobody points to", "[^1]: HIDDEN"],
  ["an info string", "```js HIDDEN\nseen()\n```"],
  ["a data URI", "[seen](data:text/plain;base64,SElEREVOSElEREVOSElEREVO)"],
  ["a bare data URI", "data:text/plain;base64,SElEREVOSElEREVOSElEREVOHIDDEN"],
  ["a style's value", '<span style="--note:HIDDEN">seen</span>'],
  ["a class", '<span class="HIDDEN">seen</span>'],
  ["a title attribute", '<abbr title="HIDDEN">seen</abbr>'],
  ["a data attribute", '<span data-x="HIDDEN">seen</span>'],
  ["an unknown element's attribute", '<x-y note="HIDDEN">seen</x-y>'],
  ["a form field's value", '<input value="HIDDEN" placeholder="HIDDEN">'],
  ["an HTML link", '<a href="/HIDDEN" title="HIDDEN">seen</a>'],
  ["a picture's source", '<picture><source srcset="HIDDEN"><img src="x"></picture>'],
  ["an end tag's attribute", '<div>seen</div HIDDEN="HIDDEN">'],
  ["a tag over several paragraphs", '<div title="\n\nHIDDEN\n\n">\n\n<p title="">seen</p>'],
  ["a script that the tag filter does not know", "<div><script/x>HIDDEN</script/x></div>"],
  ["a frame's attribute in SVG", '<svg data-x="HIDDEN"></svg>'],
  ["a link's label", "[seen][HIDDEN]\n\n[HIDDEN]: /x"],
];

describe("what is hidden", () => {
  it.each(carriers)("does not get in by %s, and is counted (case 2)", (_name, carrier) => {
    const { snapshot, hiddenRemoved } = clean(`before\n\n${carrier}\n\nafter`);
    expect(snapshot.body).not.toMatch(/HIDDEN|SElERE/);
    expect(snapshot.body).not.toMatch(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]/u);
    expect(snapshot.body).toMatch(/^before/);
    expect(hiddenRemoved).toBeGreaterThan(0);
  });

  it("covers at least the 38 carriers of the case", () => {
    expect(carriers.length).toBeGreaterThanOrEqual(38);
  });
});

describe("what is seen", () => {
  it.each([
    ["words", "plain *strong* **bold** ~~gone~~ `code`", "plain strong bold gone `code`"],
    ["code with tags in it", "```\n<b hidden>x</b> <!-- y -->\n```", "```\n<b hidden>x</b> <!-- y -->\n```"],
    ["inline code with tags in it", "use `<T>` here", "use `<T>` here"],
    ["lists", "* a\n* b\n    * c\n\n1. x\n2. y", "- a\n- b\n  - c\n\n1. x\n2. y"],
    ["tasks", "- [x] done\n- [ ] open", "- [x] done\n- [ ] open"],
    ["quotes and headings", "# Title\n> said\n> more", "# Title\n\n> said\n> more"],
    ["tables", "| a | b |\n|---|---|\n| c | d |", "a | b\nc | d"],
    ["folded parts", "<details><summary>More</summary>\n\ninside\n\n</details>", "More\n\ninside"],
    [
      "addresses",
      "see https://x.example/page and <https://y.example>",
      "see https://x.example/page and https://y.example",
    ],
    ["a list's first number", "3. x\n4. y", "3. x\n4. y"],
    ["a footnote that is pointed to", "text[^1]\n\n[^1]: the note", "text\n\nthe note"],
    ["unknown tags' words", "an Array<T> of <custom-tag>things</custom-tag>", "an Array of things"],
    ["emoji, all languages", "❤️ 👩‍💻 日本語 العربية ñ", "❤️ 👩‍💻 日本語 العربية ñ"],
    ["the joiners of Persian", "کتاب‌ها پاک می‌شوند", "کتاب‌ها پاک می‌شوند"],
    ["the joiners of Hindi", "क्‍ष और क्‌ष अलग हैं", "क्‍ष और क्‌ष अलग हैं"],
    ["line ends", "one\r\ntwo\rthree", "one\ntwo\nthree"],
  ])("keeps %s", (_name, body, seen) => {
    expect(clean(body).snapshot.body).toBe(seen);
  });

  it("counts nothing in an honest text", () => {
    expect(clean("Hello ❤️ 👩‍💻 کتاب‌ها क्‍ष\n\n- a `b`\n\nhttps://x.example").hiddenRemoved).toBe(0);
  });
});

describe("bounds", () => {
  it.each([
    ["1 MB", "word ".repeat(200_000)], ["10k links", "[a](b) ".repeat(10_000)], ["5k nested quotes", `${">".repeat(5_000)} deep`], ["5k nested lists", `${"- ".repeat(5_000)}deep`],
    ["open brackets", "[a".repeat(30_000)], ["emphasis", "a**b".repeat(16_000)], ["open links", "![a](".repeat(12_000)], ["formatting around blocks", `${Array.from({ length: 500 }, (_, index) => `<b a${index}>`).join("")}${"<p>x".repeat(4_000)}`],
    ["entities of entities", `&${"amp;".repeat(13_000)}lt;`], ["escapes", "\\*\\_\\`\\[".repeat(8_000)],
  ])("take %s in bounded time, and say when they cut (case 6)", { timeout: 30_000 }, (_name, body) => {
    const { snapshot, wasCut } = clean(body);
    expect(snapshot.body.length).toBeLessThanOrEqual(maxBodyChars);
    if (body.length > 40_000) expect(wasCut).toBe(true);
    expect(clean(snapshot.body).snapshot.body).toBe(snapshot.body);
  }); // prettier-ignore

  it("cut with a notice at the end", () => {
    const { snapshot, wasCut } = clean("word ".repeat(10_000));
    expect(wasCut).toBe(true);
    expect(snapshot.body).toMatch(/\[cut here: the text was too long\]$/);
  });

  it("keep the title one line of 200 characters, whatever it says (case 3)", () => {
    const title = "/init @/etc/passwd $(id) --add-dir /";
    expect(sanitise({ ...raw, title: `${title}\nsecond\u202e` }).snapshot.title).toBe(`${title} second`);
    expect(sanitise({ ...raw, title: "x".repeat(300) }).snapshot.title).toHaveLength(maxTitleChars);
  });

  it("hold for comments too", () => {
    const comments = Array.from({ length: 60 }, (_, index) => ({
      author: "someone",
      body: `<!-- HIDDEN --> ${index} ${"x".repeat(6_000)}`,
    }));
    const { snapshot, wasCut } = sanitise({ ...raw, comments });
    expect(snapshot.comments).toHaveLength(50);
    expect(wasCut).toBe(true);
    expect(JSON.stringify(snapshot)).not.toContain("HIDDEN");
  });
});

it("leaves its own output as it is, whatever came in", () => {
  const scraps = fc.constantFrom(
    "<",
    ">",
    "&",
    "&lt;",
    "&amp;",
    "`",
    "```\n",
    "*",
    "_",
    "[",
    "](",
    ")",
    "!",
    "\\",
    "#",
    "> ",
    "- ",
    "1. ",
    "|",
    "\n",
    "\n\n",
    " ",
    "    ",
    "<!--",
    "-->",
    "<b>",
    "</b>",
    "<p>",
    "<div hidden>",
    "</div>",
    "[a]: b\n",
    "a",
    "word",
    "~",
    "https://x.example",
    "\u200b",
    "=\n",
    "---\n",
    "<pre>",
    "</pre>",
    "<li>",
    "<td>",
    "\t",
    "[^1]",
    ":",
  );
  fc.assert(
    fc.property(fc.array(scraps, { maxLength: 40 }), (parts) => {
      const once = clean(parts.join("")).snapshot;
      expect(clean(once.body).snapshot.body).toBe(once.body);
    }),
  );
});

describe("whatever stands between", () => {
  const word = fc.stringMatching(/^[a-z]{3,9}$/).filter((text) => !/^(?:www|hidden)/.test(text));
  const shown = word.chain((text) =>
    fc
      .constantFrom(
        text, `**${text}**`, `_${text}_`, `~~${text}~~`, `\`${text}\``, `- ${text}`, `1. ${text}`, `> ${text}`, `## ${text}`, `[${text}](/a)`,
        `<b>${text}</b>`, `<x-y>${text}</x-y>`, `- [x] ${text}`, `| ${text} |\n|---|`, `<details><summary>${text}</summary></details>`, `\`\`\`\n${text}\n\`\`\``,
      )
      .map((markdown) => ({ text, markdown })),
  ); // prettier-ignore
  const hidden = fc.constantFrom(...carriers.map(([, carrier]) => carrier));
  // What ends nowhere hides all that comes after it, and is rightly not seen.
  const ends = (carrier: string) => !/<!-- <!--|^<!--(?![^]*-->)/.test(carrier);

  it("keeps the words that are seen, in order, and none that are hidden", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(shown, fc.option(hidden.filter(ends))), { maxLength: 12 }), (blocks) => {
        const body = blocks.map(([{ markdown }, carrier]) => `${markdown}\n\n${carrier ?? ""}`).join("\n\n");
        const { snapshot, hiddenRemoved } = clean(body);
        const kept = snapshot.body.match(/[a-z]+/g) ?? [];
        const left = blocks.map(([{ text }]) => text);
        for (const one of kept) if (one === left[0]) left.shift();
        expect(left).toEqual([]);
        expect(snapshot.body).not.toMatch(/HIDDEN|SElERE/);
        expect(hiddenRemoved).toBeGreaterThanOrEqual(blocks.filter(([, carrier]) => carrier !== null).length);
      }),
    );
  });

  it("lets no control, turning or invisible character through, of any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        const { body, title } = sanitise({ ...raw, title: text, body: text }).snapshot;
        expect(body).not.toMatch(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e0fff}]/u);
        expect(title).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e0fff}]/u);
        expect(body.isWellFormed() && title.isWellFormed()).toBe(true);
      }),
    );
  });
});
