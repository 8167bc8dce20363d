import { describe, expect, it } from "vitest";
import { maxStoredBytes, takeLines } from "./take-lines.ts";

const line = (message: string) => ({ at: "2026-11-21T08:00:00Z", level: "info", message });
const start = { bytes: 0, lastMessage: null };
const messagesOf = ({ lines }: { lines: { message: string }[] }) => lines.map(({ message }) => message);
const mark = "[redacted: private key]";

describe("the lines of an attempt", () => {
  it("hide a private key line by line, and keep every line in its place", () => {
    const said = [
      "before",
      "-----BEGIN RSA PRIVATE KEY-----",
      "MIIEow",
      "AbC+/=",
      "-----END RSA PRIVATE KEY-----",
      "after: it",
    ];
    expect(messagesOf(takeLines(said.map(line), start))).toEqual([
      "before", mark, mark, mark, "-----END RSA PRIVATE KEY-----", "after: it",
    ]); // prettier-ignore
  });

  it("hide what goes on from the append before", () => {
    expect(messagesOf(takeLines(["AbC+/=", "after: it", "words"].map(line), { bytes: 0, lastMessage: mark }))).toEqual([
      mark, "after: it", "words",
    ]); // prettier-ignore
  });

  it("end at the limit with one line that says so, and nothing after it", () => {
    const first = takeLines(["a", "bb", "c"].map(line), { bytes: maxStoredBytes - 3, lastMessage: null });
    expect(messagesOf(first)).toEqual(["a", "The rest is dropped: the log of a run ends at 5 MiB."]);
    expect(takeLines([line("d")], { bytes: first.bytes, lastMessage: null }).lines).toEqual([]);
  });
});
