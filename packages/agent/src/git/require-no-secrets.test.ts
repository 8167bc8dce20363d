import { describe, expect, it } from "vitest";
import { makeRedactor } from "../core/redact.ts";
import type { FileChange } from "./read-diff.ts";
import { requireNoSecrets } from "./require-no-secrets.ts";

const secret = "sk-ours-4f9d2c7b81e6a035";
const redactor = makeRedactor([{ name: "key", value: secret }]);
const digits = Buffer.from(secret).toString("hex");
const key = "-----BEGIN PRIVATE KEY-----";

function look(before: string, after: string) {
  const change: FileChange = {
    path: "src/a.txt", rawPath: "src/a.txt", change: "modified", addedLines: 1, removedLines: 0, isBinary: false,
    modeBefore: "100644", modeAfter: "100644", before: Buffer.from(before), after: Buffer.from(after),
  }; // prettier-ignore
  return () => requireNoSecrets(redactor, [change]);
}

describe("a secret in a change", () => {
  it("is found on a line that is new, and let be where the base had it", () => {
    expect(look("one\n", `one\n${secret}\n`)).toThrow("key in src/a.txt:2");
    expect(look(`one\n${secret}\n`, `${secret}\ntwo\n`)).not.toThrow();
  });

  it("is found although the line on which it begins was there before", () => {
    const rows = digits.match(/.{1,8}/g) ?? [];
    expect(look(`${rows[0]}\n`, `${rows.join("\n")}\n`)).toThrow("key in src/a.txt");
    expect(look(`${key}\nfor the tests\n`, `${key}\n${"MIIEvQIBADANBg".repeat(20)}\n`)).toThrow("private key in src/a.txt");
    expect(look(`${key}\nMIIEvQIBADANBg\n`, `two\n${key}\nMIIEvQIBADANBg\n`)).not.toThrow();
  }); // prettier-ignore

  it("is found in a name, which is not said", () => {
    const named = (rawPath: string): FileChange => ({
      path: rawPath, rawPath, change: "added", addedLines: 0, removedLines: 0, isBinary: false,
      modeBefore: null, modeAfter: "100644", before: null, after: Buffer.from("x"),
    }); // prettier-ignore
    expect(() => requireNoSecrets(redactor, [named(`src/${digits.slice(0, 30)}/${digits.slice(30)}`)])).toThrow(
      "key in a file's name",
    );
  });
});
