import { maxRunBytes } from "./core/clean-log.ts";
import { redactLine } from "./core/redact-line.ts";
import { makeRedactor, type KnownSecret, type Redactor } from "./core/redact.ts";
import type { Coordinator } from "./ports/coordinator.ts";
import type { Level } from "./ports/engine.ts";

/** The log of one run as everybody may read it: clean text, no secret, 5 MiB at most. */
export type RunLog = {
  write(level: Level, text: string): void;
  /** From now on this value appears nowhere: not in the log, not in what is published. */
  hide(secret: KnownSecret): void;
  redactor(): Redactor;
  secrets(): readonly KnownSecret[];
  /** Says how many lines fell, if any did. */
  end(): void;
};

/** @param loggedBytes by the attempts before: the limit is the run's, however often it was begun. */
export function openRunLog(
  { coordinator }: { coordinator: Pick<Coordinator, "log"> },
  { loggedBytes }: { loggedBytes: number },
): RunLog {
  const secrets: KnownSecret[] = [];
  let redactor = makeRedactor(secrets);
  let usedBytes = loggedBytes;
  let dropped = 0;
  let before: string | null = null;

  return {
    write(level, text) {
      // The whole text first: a secret may stand across two lines. Not of what is dropped: a flood costs nothing then.
      const isOver = usedBytes > maxRunBytes;
      const shown = isOver ? text : redactor.text(text);
      for (const raw of shown.replace(/\r?\n$/, "").split("\n")) {
        if (usedBytes > maxRunBytes) {
          dropped += 1;
          continue;
        }
        const line = redactLine(redactor, raw, before);
        before = line;
        usedBytes += Buffer.byteLength(line) + 1;
        if (usedBytes > maxRunBytes) dropped += 1;
        else coordinator.log(level, line);
      }
    },
    hide(secret) {
      secrets.push(secret);
      redactor = makeRedactor(secrets);
    },
    redactor: () => redactor,
    secrets: () => secrets,
    end() {
      if (dropped > 0) coordinator.log("warn", `${dropped} lines dropped: the log of a run ends at 5 MiB.`);
      dropped = 0;
    },
  };
}
