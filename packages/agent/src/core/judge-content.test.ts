import { describe, expect, it } from "vitest";
import { judgeContent } from "./judge-content.ts";

const judge = (path: string, before: string | null, after: string | null) =>
  judgeContent({ path, before, after }, new Set(["known.example.io"]));
const added = (path: string, line: string) =>
  judge(path, "one\ntwo\n", `one\ntwo\n${line}\n`).map(({ level, code, line: at }) => [level, code, at]);

describe("new hosts", () => {
  it.each([
    "fetch('https://evil.host/x')", "new WebSocket(`wss://evil.host`)", 'git("ssh://me@evil.host:22/x")', '<script src="//evil.host/x.js">',
    "background: url(//evil.host/x.png)", String.raw`{"url":"https:\/\/evil.host\/x"}`, "see ftp://evil.host", "fetch('http://user:word@EVIL.host/')",
    `${"x".repeat(5_000)} https://evil.host`, String.raw`fetch("https:\\\\evil.host/x")`, String.raw`fetch("https:/\\evil.host")`,
    'fetch("https:/evil.host/x")', 'new URL("https:evil.host")', 'fetch("http://[2001:db8::7]/x")', '<script src="/\\evil.host/x.js">',
  ])("wait for a person, by their line: %s", (line) => {
    expect(added("src/a.js", line)).toEqual([["hold", "new_host", 3]]);
  }); // prettier-ignore

  it("and those that are known, nobody's, or comments do not", () => {
    for (const line of [
      "'https://known.example.io/y'",
      "'http://localhost:3000'",
      "// a.b/c is a path",
      "x = a //b.c",
      "{ http: 1 }",
      '"https: see"',
      "type Scheme = 'http:' | 'https:'",
      "'http://[::1]:80'",
      String.raw`"C:\\dir\\a.b"`,
    ])
      expect(added("src/a.js", line)).toEqual([]);
  });
});

describe("weakened tests", () => {
  const two = 'it("a", () => expect(1).toBe(1));\nit("b", () => expect(2).toBe(2));\n';
  const path = "src/a.test.ts";

  it.each([
    'it.skip("c", () => {})', 'test.only("c", () => {})', 'describe.skip("c", () => {})', 'it.todo("c")', 'xit("c", f)', 'fdescribe("c", f)',
    'test("c", { skip: true }, f)', 'test("c", { todo: "later" }, f)', 'it["skip"]("c", f)', 't.skip("later")', "it.concurrent.only(n, f)", "xit 'later' do", "fdescribe Cart do", "@pytest.mark.skip",
  ])("are flagged by their line: %s", (line) => {
    expect(judge(path, two, `${two}${line}\n`)).toContainEqual(
      expect.objectContaining({ level: "flag", code: "test_skipped", line: 3 }),
    );
    expect(judge("src/a.ts", two, `${two}${line}\n`).map(({ code }) => code)).not.toContain("test_skipped");
  }); // prettier-ignore

  it("are flagged when a file, a test or an assertion is gone", () => {
    expect(judge(path, two, null)).toMatchObject([{ code: "test_deleted", line: null }]);
    expect(judge(path, two, `${two.split("\n")[0]}\n`).map(({ code }) => code)).toEqual(["fewer_asserts", "test_deleted"]);
    expect(judge(path, two, two.replace("expect(2).toBe(2)", "{}")).map(({ code }) => code)).toEqual(["fewer_asserts"]);
    expect(judge(path, two, `${two}it("c", () => expect(3).toBe(3));\n`)).toEqual([]);
  }); // prettier-ignore

  it("are flagged when a threshold is lower, by its line, or gone from a configuration", () => {
    const with80 = '{\n  "branches": 80,\n  "lines": 90\n}\n';
    expect(judge("coverage.json", with80, with80.replace("80", "60"))).toEqual([
      { level: "flag", code: "threshold_lowered", line: 2, detail: "branches: 80 before, 60 now" },
    ]);
    expect(judge("coverage.json", with80, with80.replace('  "branches": 80,\n', ""))).toMatchObject([
      { code: "threshold_lowered", line: null, detail: "branches: 80 before, none any more" },
    ]);
    expect(judge("coverage.json", with80, with80.replace("80", "95"))).toEqual([]);
    expect(judge("src/a.js", "const lines = 80;\n", "const rows = 80;\n")).toEqual([]);
  });

  it("are flagged when a snapshot is rewritten, by its first new line, or deleted", () => {
    for (const snapshot of ["src/__snapshots__/a.snap", "src/__snapshots__/page.html"]) {
      expect(judge(snapshot, "a\nb\n", "a\nc\n")).toMatchObject([{ code: "snapshot_rewritten", line: 2 }]);
      expect(judge(snapshot, "a\nb\n", null)).toMatchObject([{ code: "snapshot_rewritten", line: null }]);
      expect(judge(snapshot, null, "a\n")).toEqual([]);
    }
  });
});

it("an inline snapshot that is rewritten or gone is flagged, one that is new or moved is not", () => {
  const one = (text: string) => `it("a", () => expect(a).toMatchInlineSnapshot(\`${text}\`));\n`;
  const thrown = 'it("b", () => expect(f).toThrowErrorMatchingInlineSnapshot("no"));\n';
  const codes = (before: string, after: string) => judge("src/a.test.ts", before, after).map(({ code }) => code);
  expect(codes(one("1") + thrown, one("2") + thrown)).toEqual(["snapshot_rewritten"]);
  expect(codes(one("1") + thrown, one("1") + thrown.replace('"no"', '"yes"'))).toEqual(["snapshot_rewritten"]);
  expect(codes(one("1"), `${one("1").trim().replace("`1`", "")}\n`)).toContain("snapshot_rewritten");
  expect(codes(one("1") + thrown, thrown + one("1") + one("3"))).toEqual([]);
});

describe("rules switched off, and text that is run", () => {
  it.each([
    ["lint_disabled", "// eslint-disable-next-line no-eval"], ["lint_disabled", "/* oxlint-disable */"], ["lint_disabled", "// biome-ignore lint: x"],
    ["lint_disabled", "/* tslint:disable */"], ["lint_disabled", "/* eslint no-eval: 0 */"], ["lint_disabled", "// deno-lint-ignore no-explicit-any"],
    ["types_disabled", "# pyright: ignore"], ["types_disabled", "# mypy: ignore-errors"], ["eval_like", "(0, eval)(text)"], ["eval_like", 'import vm from "node:vm"'],
    ["eval_like", "os.popen(text)"], ["lint_disabled", "x = 1  # noqa"], ["types_disabled", "// @ts-ignore"], ["types_disabled", "// @ts-nocheck"], ["types_disabled", "// @ts-expect-error"],
    ["types_disabled", "x = 1  # type: ignore"], ["coverage_disabled", "/* c8 ignore next */"], ["eval_like", "eval(input)"], ["eval_like", 'new Function("return 1")'],
    ["eval_like", "setTimeout('go()', 1)"], ["eval_like", 'require("node:child_process")'], ["eval_like", "await import(name)"], ["eval_like", "vm.runInNewContext(text)"],
    ["raw_html", "el.innerHTML = text"], ["invisible_characters", "const a = 'x\u202ey'"],
    ["invisible_characters", "run(`\ufe01\u{e0101}\u{e0154}`)"], ["invisible_characters", "const { a,\u3164 } = query;"],
    ["invisible_characters", "/*\u001b]*/ steal(); /*\u0007*/"],
  ])("%s: %s", (code, line) => {
    expect(added("src/a.js", line)).toEqual([["flag", code, 3]]);
    expect(added("src/a.js", `${"y".repeat(990)} ${line}`)).toEqual([["flag", code, 3]]);
    expect(added("src/a.js", `${"y".repeat(60_000)} ${line}`)).toEqual([["flag", code, 3]]);
    expect(judge("src/a.js", `${line}\none\n`, `one\n${line}\n`)).toEqual([]);
  }); // prettier-ignore

  it("judges a line of a mebibyte that no rule likes in bounded time", () => {
    for (const char of ["{", "it.", "http://", "eval ", '"/\\', "'http:", "http:/a."]) {
      const from = performance.now();
      judge("test/a.test.js", null, char.repeat(Math.floor((1024 * 1024) / char.length)));
      expect(performance.now() - from, char).toBeLessThan(10_000);
    }
  });
});
