import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeRedactor } from "./redact.ts";

const secret = "s3cr3t/+key?with&marks";
const redactor = makeRedactor([{ name: "test key", value: secret }]);
const token = `ghp_${"a1B2".repeat(9)}`;

describe("text", () => {
  it.each([
    ["itself", secret], ["hex", Buffer.from(secret).toString("hex")], ["upper hex", Buffer.from(secret).toString("hex").toUpperCase()], ["URL-coded", encodeURIComponent(secret)],
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

const key = `sk-ant-api03-${"aB3dE5fG7hJ9".repeat(8)}-x_Y`;
const ofKey = makeRedactor([{ name: "key", value: key }]);

describe("a long secret", () => {
  const hex = Buffer.from(key).toString("hex");
  const rows = (size: number) => hex.match(new RegExp(`.{1,${size * 2}}`, "g")) ?? [];
  const pairs = (row: string, between: string) => (row.match(/../g) ?? []).join(between);
  const offset = (row: number, radix: number, width: number) => (row * 16).toString(radix).padStart(width, "0");
  const shown = (row: string) => Buffer.from(row, "hex").toString();

  it.each([
    ["base64 in lines of 76", Buffer.from(key).toString("base64").replace(/.{76}/g, "$&\n")],
    ["base64 in lines of 64, quoted and joined", `"${Buffer.from(key).toString("base64").replace(/.{64}/g, '$&" +\n  "')}"`],
    ["plain hex in lines of 60 (xxd -p)", rows(30).join("\n")],
    ["pairs with colons", pairs(hex, ":")],
    ["a C array", `{ ${rows(1).map((byte) => `0x${byte}`).join(", ")} }`],
    ["escapes of a string", `"${rows(1).map((byte) => `\\x${byte}`).join("")}"`],
    ["od -tx1", rows(16).map((row, at) => `${offset(at, 8, 7)} ${pairs(row, " ")}`).join("\n")],
    ["xxd", rows(16).map((row, at) => `${offset(at, 16, 8)}: ${row.replace(/.{4}/g, "$& ")} ${shown(row)}`).join("\n")],
    ["hexdump -C", rows(16).map((row, at) => `${offset(at, 16, 8)}  ${pairs(row, " ")}  |${shown(row)}|`).join("\n")],
    ["all bytes URL-coded", rows(1).map((byte) => `%${byte}`).join("")],
    ["its first half", key.slice(0, 60)],
    ["its second half", key.slice(60)],
  ])("is known again as %s, in the line where it begins", (_name, spelled) => {
    const [first] = ofKey.find(Buffer.from(`one\ntwo\n${spelled}\nlast`));
    expect(first).toMatchObject({ name: expect.stringMatching(/^key$|^Anthropic key$/) as string, line: 3 });
    const clean = ofKey.text(`one\ntwo\n${spelled}\nlast`);
    expect(clean).toMatch(/^one\ntwo\n[^]*\[redacted: [^]*\nlast$/);
    const bytes = clean.replaceAll(/\[redacted: [^\]]*\]/g, "").match(/[A-Za-z0-9+/]{24,}/g) ?? [];
    for (const left of bytes) expect([key, hex, Buffer.from(key).toString("base64")].some((all) => all.includes(left))).toBe(false);
  }); // prettier-ignore

  it("is not seen in what only begins like it", () => {
    for (const plain of ["sk-ant-api03-", "deadbeef ".repeat(40), Buffer.from("an innocent text").toString("base64")])
      expect(ofKey.text(plain)).toBe(plain);
  });
});

describe("any secret, in any spelling", () => {
  const value = fc.stringMatching(/^[A-Za-z0-9+/=_?&%. -]{12,40}$/).filter((text) => text === text.trim());
  const spelled = fc.constantFrom<(text: string) => string>(
    (text) => text, (text) => Buffer.from(text).toString("base64"), (text) => Buffer.from(text).toString("base64url"),
    (text) => Buffer.from(text).toString("hex"), encodeURIComponent, (text) => JSON.stringify(text).slice(1, -1),
  ); // prettier-ignore
  const words = fc.stringMatching(/^[a-z .:]{0,20}$/);

  it("is taken out of a text, and found in its line", () => {
    fc.assert(
      fc.property(value, spelled, words, words, (text, spell, before, after) => {
        const own = makeRedactor([{ name: "key", value: text }]);
        const whole = `${before}\n${spell(text)}\n${after}`;
        expect(own.text(whole)).toContain("[redacted: key]");
        expect(own.text(whole)).not.toContain(spell(text));
        expect(own.find(Buffer.from(whole))).toContainEqual({ name: "key", line: 2, lastLine: 2 });
      }),
    );
  });
});

describe("find", () => {
  it("names place and kind, never the value", () => {
    const found = redactor.find(Buffer.from(`one\ntwo ${secret}\n\xff\xfe ${token}`, "latin1"));
    expect(found).toEqual([{ name: "test key", line: 2, lastLine: 2 }, { name: "GitHub token", line: 3, lastLine: 3 }]); // prettier-ignore
  });

  it("finds secrets that are no ASCII", () => {
    const odd = makeRedactor([{ name: "odd", value: "pässwörd-ünicode" }]);
    expect(odd.find(Buffer.from("x pässwörd-ünicode", "utf8"))).toEqual([{ name: "odd", line: 1, lastLine: 1 }]);
    expect(odd.text("x pässwörd-ünicode")).toBe("x [redacted: odd]");
  });
});
