import type { Verdict } from "@feedback-chat/protocol/evidence";
import { verdictTexts, type VerdictCode } from "@feedback-chat/protocol/verdict-texts";

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

/** Its sentence is the code's own, unless `detail` says it more exactly. */
export function verdict(
  level: Verdict["level"],
  code: VerdictCode,
  change: JudgedChange,
  detail: string = verdictTexts[code],
): Verdict {
  return { level, code, path: change.path, line: null, detail };
}

const textName =
  /\.(?:[cm]?[jt]sx?|json5?|css|s[ac]ss|less|x?html?|svg|xml|vue|svelte|astro|mdx?|txt|ya?ml|toml|ini|cfg|conf|env|py|rb|go|rs|java|kts?|swift|[ch](?:pp)?|cs|php|sh|sql|graphql|proto)$/i;

/**
 * Whether NUL bytes stand in what is text otherwise, by its name or its old side: git calls the file binary then, and
 * its diff shows no line. In UTF-16 and in real binaries they are many.
 */
export function isTextWithNul({ path, before, after }: Pick<JudgedChange, "path" | "before" | "after">): boolean {
  if (after === null || !hasNul(after)) return false;
  if (!textName.test(path) && (before === null || before.length === 0 || hasNul(before))) return false;
  const text = textOf(after) ?? "";
  // oxlint-disable-next-line no-control-regex -- control characters are what it is about
  const odd = text.match(/[\u0000-\u0008\u000e-\u001f\ufffd]/g)?.length ?? 0;
  return odd <= text.length / 20 + 1;
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
