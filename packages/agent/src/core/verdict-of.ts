import type { Verdict } from "@feedback-chat/protocol/evidence";

/** One changed path with both sides, as collect has them. */
export type JudgedChange = {
  /** For people. */
  path: string;
  /** The name's bytes as latin1: names need not be UTF-8. */
  rawPath: string;
  isBinary: boolean;
  modeBefore: string | null;
  modeAfter: string | null;
  before: Uint8Array | null;
  after: Uint8Array | null;
};

export function verdict(level: Verdict["level"], code: string, change: JudgedChange, detail: string): Verdict {
  return { level, code, path: change.path, line: null, detail };
}

export function hasNul(bytes: Uint8Array | null): boolean {
  return bytes?.includes(0) ?? false;
}

export function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder("utf-8", { fatal: false }).decode(bytes);
}

/** Null when the bytes are no UTF-8. */
export function utf8Of(raw: string): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
      Uint8Array.from(raw, (char) => char.charCodeAt(0)),
    );
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}
