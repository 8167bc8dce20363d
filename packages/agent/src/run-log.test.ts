import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { maxRunBytes } from "./core/clean-log.ts";
import { readLines } from "./engines/read-lines.ts";
import { openRunLog } from "./run-log.ts";

function openLog(secret?: string, loggedBytes = 0) {
  const lines: string[] = [];
  const log = openRunLog({ coordinator: { log: (_level, line) => void lines.push(line) } }, { loggedBytes });
  if (secret) log.hide({ name: "key", value: secret });
  return { log, lines };
}

describe("the log of a run", () => {
  it("shows no secret of an engine's output, whose bytes were split at every single place", async () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9+/=_?&%. -]{12,40}$/).filter((text) => text === text.trim());
    const words = fc.stringMatching(/^[a-z .:]{0,20}$/);
    const written = async (text: string, ...chunks: Buffer[]) => {
      const { log, lines } = openLog(text);
      for await (const line of readLines(Readable.from(chunks), 65_536)) log.write("info", line.text);
      return lines;
    };
    await fc.assert(
      fc.asyncProperty(secret, words, words, async (text, before, after) => {
        const bytes = Buffer.from(`${before}\u00e9${text}\u{1f98a}${after}\nnext\n`);
        const expected = await written(text, bytes);
        expect(expected.join("\n")).not.toContain(text);
        expect(expected.at(-1)).toBe("next");
        for (let at = 0; at <= bytes.length; at++)
          expect(await written(text, bytes.subarray(0, at), bytes.subarray(at))).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });

  it("hides a private key that is printed line by line, up to its end", () => {
    const { log, lines } = openLog();
    const printed = ["-----BEGIN RSA PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED", "MIIEow" + "A".repeat(58), "Zm9v", "-----END RSA PRIVATE KEY-----", "done"];
    for (const line of printed) log.write("info", line);
    expect(lines).toEqual([
      ...Array.from({ length: 4 }, () => "[redacted: private key]"),
      "-----END RSA PRIVATE KEY-----",
      "done",
    ]);
  }); // prettier-ignore

  it("ends at 5 MiB of bytes, not of characters, and says how many lines fell", () => {
    const { log, lines } = openLog();
    const line = "ログ".repeat(1_000);
    for (let at = 0; at < 1_000; at += 1) log.write("info", line);
    const bytes = lines.reduce((sum, one) => sum + Buffer.byteLength(one) + 1, 0);
    expect(bytes).toBeLessThanOrEqual(maxRunBytes);
    expect(bytes).toBeGreaterThan(maxRunBytes - 8_192);
    const kept = lines.length;
    log.end();
    expect(lines.at(-1)).toBe(`${1_000 - kept} lines dropped: the log of a run ends at 5 MiB.`);
  });

  it("counts what the run's earlier attempts have logged", () => {
    const { log, lines } = openLog(undefined, maxRunBytes - 10);
    for (const text of ["five.", "four", "none"]) log.write("info", text);
    log.end();
    expect(lines).toEqual(["five.", "2 lines dropped: the log of a run ends at 5 MiB."]);
  });

  it("takes a secret out that stands across two lines of one text", () => {
    const { log, lines } = openLog("first half\nsecond half");
    log.write("info", "x first half\nsecond half y");
    expect(lines).toEqual(["x [redacted: key] y"]);
  });
});
