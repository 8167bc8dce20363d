/**
 * Text from servers, git and logs, made safe for a terminal: no control bytes (tab and newline stay), no escape
 * sequences, no characters that turn the direction of text or hide in it; and for a CI runner: no line that it
 * obeys (`::set-output …::` at the beginning, `##[…]` anywhere).
 */
export function cleanText(text: string): string {
  return (
    text
      // Whole sequences first (CSI, OSC up to its end, two-byte ESC), then what is left of control characters.
      // oxlint-disable-next-line no-control-regex -- control characters are what it is about
      .replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|[@-_])/g, "")
      .replace(/[^\P{Cc}\n\t]/gu, "")
      .replace(/[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e0fff}]/gu, "")
      .replace(/^([ \t]*:)(?=:[^\n]*::)|(#)(?=#(?:vso)?\[)/gm, "$1$2 ")
  );
}
