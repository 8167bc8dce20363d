import { replaceUnseen } from "./invisible.ts";

/**
 * A diff exactly as it is, for a person who decides about it: what could not be seen, would turn the text round or
 * would be obeyed is written as `<U+202E>`, and the carriage return of a Windows line end as `␍`. Nothing is taken
 * away, so that nothing can hide: a change of line ends only would otherwise look like no change.
 */
export function spellOut(text: string): string {
  return replaceUnseen(text.replaceAll("\r\n", "␍\n"), nameOf);
}

function nameOf(char: string): string {
  return `<U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}>`;
}
