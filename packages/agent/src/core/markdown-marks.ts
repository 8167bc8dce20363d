export function quoted(found: string[]): string[] {
  return found.length > 0
    ? [
        found
          .join("\n\n")
          .replace(/^/gm, "> ")
          .replace(/[ \t]+$/gm, ""),
      ]
    : [];
}

export function fence(code: string): string {
  const body = code.replace(/\n$/, "");
  const longest = Math.max(2, ...[...body.matchAll(/`+/g)].map(([run]) => run.length));
  const marks = "`".repeat(longest + 1);
  return `${marks}\n${body}\n${marks}`;
}

export function inlineCode(code: string): string {
  const body = code.replace(/\s+/g, " ").trim();
  if (body === "") return "";
  const runs = new Set([...body.matchAll(/`+/g)].map(([run]) => run.length));
  let length = 1;
  while (runs.has(length)) length++;
  const marks = "`".repeat(length);
  return body.startsWith("`") || body.endsWith("`") ? `${marks} ${body} ${marks}` : marks + body + marks;
}

/** A list right below an item's words stays right below them. */
export function joinItem(found: string[]): string {
  return found.reduce(
    (text, block) => (text === "" ? block : `${text}${/^(?:- |\d+\. )/.test(block) ? "\n" : "\n\n"}${block}`),
    "",
  );
}

export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

export function tidy(text: string): string {
  return text
    .replace(/[ \t]*\n[ \t]*/g, "\n")
    .replace(/\n{2,}/g, "\n")
    .replace(/ {2,}/g, " ")
    .trim();
}
