import type { VerdictCode } from "@feedback-chat/protocol/verdict-texts";

export type ContentFinding = {
  level: "hold" | "flag";
  code: VerdictCode;
  /** Of the changed text; null when what was found is gone, or is the file as a whole. */
  line: number | null;
  detail: string;
};
export type TextChange = { path: string; before: string | null; after: string | null };

export function flag(code: VerdictCode, line: number | null, detail: string): ContentFinding {
  return { level: "flag", code, line, detail };
}
