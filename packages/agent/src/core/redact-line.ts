import { cleanLine } from "./clean-log.ts";
import type { Redactor } from "./redact.ts";

const keyMark = "[redacted: private key]";
const keyLine = /^(?:[A-Za-z0-9+/=\s\\]*|(?:Proc-Type|DEK-Info): .*)$/;

/**
 * One line of a log, clean and without secrets. A private key goes over many lines, perhaps printed one by one: what
 * may be its next one, after `before` as it was written, is part of it.
 */
export function redactLine({ text }: Pick<Redactor, "text">, line: string, before: string | null): string {
  const clean = cleanLine(line, text);
  const isOfKey = (before?.endsWith(keyMark) ?? false) && keyLine.test(clean);
  return isOfKey ? keyMark : clean;
}
