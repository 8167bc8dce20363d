/** What JSON can say, with objects as they were written: no member twice. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/**
 * Parses JSON and refuses an object that names a member twice: two readers of such a text may see two texts.
 * `JSON.parse` does the grammar; a second, linear walk over the same text looks at the keys only.
 * @throws SyntaxError
 */
export function parseStrictJson(text: string): Json {
  const value = JSON.parse(text) as Json;
  refuseTwins(text);
  return value;
}

function refuseTwins(text: string): void {
  const open: (Set<string> | null)[] = []; // one per open object (its keys) or array (null)
  let isKeyNext = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (isKeyNext && keys) addKey(keys, JSON.parse(text.slice(at, end + 1)) as string);
      isKeyNext = false;
      at = end;
    } else if (char === "{") {
      open.push(new Set());
      requireShallow(open);
      isKeyNext = true;
    } else if (char === "[") {
      open.push(null);
      requireShallow(open);
      isKeyNext = false;
    } else if (char === "}" || char === "]") {
      open.pop();
      isKeyNext = false;
    } else if (char === ",") {
      isKeyNext = open.at(-1) instanceof Set;
    }
  }
}

/** Whoever walks over it afterwards does so by functions that call themselves. */
const maxDepth = 500;

function requireShallow(open: readonly unknown[]): void {
  if (open.length > maxDepth) throw new SyntaxError(`more than ${maxDepth} parts are nested in each other`);
}

function addKey(keys: Set<string>, key: string): void {
  if (keys.has(key)) throw new SyntaxError(`the member ${JSON.stringify(key.slice(0, 60))} stands twice`);
  if (key === "__proto__") throw new SyntaxError("a member named __proto__ is not accepted");
  keys.add(key);
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}
