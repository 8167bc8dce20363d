import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeLogCleaner } from "./clean-log.ts";
import { makeRedactor } from "./redact.ts";

const secret = "s3cr3t/+key?with&marks";
const redactor = makeRedactor([{ name: "test key", value: secret }]);
const token = `ghp_${"a1B2".repeat(9)}`;

describe("text", () => {
  it.each([
    ["itself", secret], ["hex", Buffer.from(secret).toString("hex")], ["upper hex", Buffer.from(secret).toString("hex").toUpperCase()], ["URL-coded", encodeURIComponent(secret)],
    ["all bytes URL-coded", [...Buffer.from(secret)].map((byte) => `%${byte.toString(16)}`).join("")],
  ])("blackens a known secret as %s", (_name, spelling) => {
    expect(redactor.text(`before ${spelling} after`)).toBe("before [redacted: test key] after");
  }); // prettier-ignore

  it("blackens it in base64 wherever it stands in what was coded", () => {
    for (const before of ["", "a", "ab", "abc", "abcd"]) {
      for (const coding of ["base64", "base64url"] as const) {
        const coded = Buffer.from(`${before}${secret}after`).toString(coding);
        expect(redactor.text(coded)).toContain("[redacted: test key]");
        expect(Buffer.from(redactor.text(coded), coding).toString("latin1")).not.toContain(secret.slice(3, -3));
      }
    }
  });

  it.each([
    token,
    "sk-ant-api03-abcdefghijklmnop",
    "github_pat_0123456789012345678901",
    "AKIAABCDEFGHIJKLMNOP",
    "npm_" + "a".repeat(36),
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n",
  ])("blackens what has a secret's form: %s", (formed) => {
    expect(redactor.text(`x ${formed}`)).toMatch(/^x \[redacted: [^\]]+\]/);
    expect(redactor.text(`x ${formed}`)).not.toContain(formed.slice(4, 20));
  });

  it("leaves plain text alone", () => {
    for (const plain of ["ghp_short", "a key", "sk-ant-", "task-ant-hill", ""])
      expect(redactor.text(plain)).toBe(plain);
  });
});

describe("stream", () => {
  const pieces = fc.array(
    fc.oneof(
      fc.string(),
      fc.constant(secret),
      fc.constant(token),
      fc.constant("ghp_"),
      fc.constant("-----BEGIN "),
      fc.constant("s3cr3t/"),
    ),
    { maxLength: 8 },
  );

  it("says the same as text, wherever the chunks are split", () => {
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(400), { maxLength: 12 }), (parts, cuts) => {
        const whole = parts.join("");
        const stream = redactor.stream();
        let output = "";
        let at = 0;
        for (const cut of cuts.toSorted((a, b) => a - b)) {
          output += stream.push(whole.slice(at, Math.max(at, cut)));
          at = Math.max(at, cut);
        }
        output += stream.push(whole.slice(at)) + stream.end();
        expect(output).toBe(redactor.text(whole));
      }),
    );
  });

  it("says the same split at every single place (case 39)", () => {
    const whole = `a log line ${secret} and ${token}, then more`;
    for (let at = 0; at <= whole.length; at++) {
      const stream = redactor.stream();
      expect(stream.push(whole.slice(0, at)) + stream.push(whole.slice(at)) + stream.end()).toBe(redactor.text(whole));
    }
  });

  it("holds nothing back that cannot become a secret", () => {
    expect(redactor.stream().push("an ordinary line\n")).toBe("an ordinary line\n");
  });
});

describe("any secret, in any spelling", () => {
  const value = fc.stringMatching(/^[A-Za-z0-9+/=_?&%. -]{12,40}$/).filter((text) => text === text.trim());
  const spelled = fc.constantFrom<(text: string) => string>(
    (text) => text, (text) => Buffer.from(text).toString("base64"), (text) => Buffer.from(text).toString("base64url"),
    (text) => Buffer.from(text).toString("hex"), encodeURIComponent, (text) => JSON.stringify(text).slice(1, -1),
  ); // prettier-ignore
  const words = fc.stringMatching(/^[a-z .:]{0,20}$/);

  it("is taken out of a stream that is split at every single place, and said the same as in one piece", () => {
    fc.assert(
      fc.property(value, spelled, words, words, (text, spell, before, after) => {
        const own = makeRedactor([{ name: "key", value: text }]);
        const whole = `${before}\n${spell(text)}\n${after}`;
        const expected = own.text(whole);
        expect(expected).toContain("[redacted: key]");
        expect(expected).not.toContain(spell(text));
        for (let at = 0; at <= whole.length; at++) {
          const stream = own.stream();
          expect(stream.push(whole.slice(0, at)) + stream.push(whole.slice(at)) + stream.end()).toBe(expected);
        }
        const slow = own.stream();
        expect(whole.split("").map(slow.push).join("") + slow.end()).toBe(expected);
        expect(own.find(Buffer.from(whole))).toContainEqual({ name: "key", line: 2 });
      }),
    );
  });

  it("is in no line of a log whose bytes were split at every single place", () => {
    fc.assert(
      fc.property(value, words, words, (text, before, after) => {
        const bytes = Buffer.from(`${before}\u00e9${text}\u{1f98a}${after}\nnext\n`);
        const { text: redact } = makeRedactor([{ name: "key", value: text }]);
        const lines = (...chunks: Buffer[]) => {
          const cleaner = makeLogCleaner({ redact });
          return [...chunks.flatMap((chunk) => cleaner.push(chunk)), ...cleaner.end()];
        };
        const expected = lines(bytes);
        expect(expected.join("\n")).not.toContain(text);
        for (let at = 0; at <= bytes.length; at++)
          expect(lines(bytes.subarray(0, at), bytes.subarray(at))).toEqual(expected);
      }),
    );
  });
});

describe("find", () => {
  it("names place and kind, never the value", () => {
    const found = redactor.find(Buffer.from(`one\ntwo ${secret}\n\xff\xfe ${token}`, "latin1"));
    expect(found).toEqual([{ name: "test key", line: 2 }, { name: "GitHub token", line: 3 }]); // prettier-ignore
  });

  it("finds secrets that are no ASCII", () => {
    const odd = makeRedactor([{ name: "odd", value: "pässwörd-ünicode" }]);
    expect(odd.find(Buffer.from("x pässwörd-ünicode", "utf8"))).toEqual([{ name: "odd", line: 1 }]);
    expect(odd.text("x pässwörd-ünicode")).toBe("x [redacted: odd]");
  });
});
