import { dropUnseen } from "@feedback-chat/protocol/invisible";

/**
 * Text from servers, git and logs, made safe for a terminal: no control bytes (tab and newline stay), no escape
 * sequences, no characters that turn the direction of text or hide in it; and for a CI runner: no line that it
 * obeys (`::set-output …::` at the beginning, `##[…]` anywhere).
 */
export function cleanText(text: string): string {
  // Whole sequences first: CSI, OSC up to its end, two-byte ESC.
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  const plain = text.replace(/\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|[@-_])/g, "");
  return dropUnseen(plain).replace(/^([ \t]*:)(?=:[^\n]*::)|(#)(?=#(?:vso)?\[)/gm, "$1$2 ");
}
