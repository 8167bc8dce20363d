/**
 * Every character that has no look of its own, or changes how others look. This is the only list of them: the
 * sanitiser, the log cleaners, the rules for paths, the diffs and the verdicts all use it. Tab and newline are not in
 * it. Spaces are not either: a reader sees that something stands there.
 */
const unseen = /(?![\n\t])[\p{Cc}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800\ufff9-\ufffc\u{f0000}-\u{10fffd}]/u
  .source;

/** Emoji: the choice of a look, a keycap, several pictures joined to one, and the three flags that Unicode spells with tags. */
const ofEmoji = [
  /(?<=[0-9#*])\ufe0f\u20e3/u,
  /(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]?\u200d(?=\p{Extended_Pictographic})/u,
  /(?<=\p{Emoji_Modifier})\u200d(?=\p{Extended_Pictographic})/u,
  /(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]/u,
  /(?<=\u{1f3f4})\u{e0067}\u{e0062}(?:\u{e0065}\u{e006e}\u{e0067}|\u{e0073}\u{e0063}\u{e0074}|\u{e0077}\u{e006c}\u{e0073})\u{e007f}/u,
].map(({ source }) => source);

const joiningScripts = [
  "Arab Syrc Mand Mong Nkoo Phag Adlm Rohg",
  "Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh Mymr Khmr Tibt Newa Gran Tirh",
].join(" ");
const joiningLetter = `(?=[\\p{L}\\p{M}])[${joiningScripts
  .split(" ")
  .map((script) => `\\p{Script_Extensions=${script}}`)
  .join("")}]`;
/**
 * Persian and Urdu separate letters by a joiner (`می‌کند`), the scripts of India choose a letter's form (`क्‍ष`). One
 * joiner is spelling. At the end of a word only the zero-width joiner is (`ه‍.ش`). A run of joiners spells nothing.
 */
const ofSpelling = [
  `(?<=${joiningLetter})[\\u200c\\u200d](?=${joiningLetter})`,
  `(?<=${joiningLetter})\\u200d(?![\\p{L}\\p{M}]|${unseen})`,
];
const honest = [...ofEmoji, ...ofSpelling].join("|");

const kept = new RegExp(`(${honest})|${unseen}`, "gu");
const anyUnseen = new RegExp(unseen, "u");
const eachUnseen = new RegExp(unseen, "gu");

/** Whether a text holds any invisible character, even one that an emoji or its spelling needs. */
export function hasAnyUnseen(text: string): boolean {
  return anyUnseen.test(text);
}

/** Replaces each invisible character, even one that an emoji or its spelling needs. */
export function replaceAnyUnseen(text: string, replacement: (char: string) => string): string {
  return text.replace(eachUnseen, replacement);
}

/** Whether a text holds an invisible character that neither an emoji nor the spelling of its language needs. */
export function hasUnseen(text: string): boolean {
  return dropUnseen(text) !== text;
}

/** Replaces each invisible character. Those of emoji and of a language's spelling stay. */
export function replaceUnseen(text: string, replacement: (char: string) => string): string {
  // The large pattern is compiled at its first use only, and most texts never need it.
  if (!hasAnyUnseen(text)) return text;
  return text.replace(kept, (char, honestOne?: string) => honestOne ?? replacement(char));
}

/** Removes all invisible characters but those of emoji and of a language's spelling. */
export function dropUnseen(text: string): string {
  return replaceUnseen(text, () => "");
}

/** As `dropUnseen`, and counts how many runs of them stood in the text. */
export function countUnseen(text: string): { text: string; runs: number } {
  const parts = replaceUnseen(text, () => "\0").split(/\0+/);
  return { text: parts.join(""), runs: parts.length - 1 };
}
