import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JudgedChange } from "./verdict-of.ts";
import { judgeChanges } from "./verdicts.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const latin = (text: string) => Buffer.from(text).toString("latin1");

function change(
  path: string,
  before: string | null,
  after: string | null,
  extra: Partial<JudgedChange> = {},
): JudgedChange {
  return {
    path, rawPath: latin(path), isBinary: false,
    modeBefore: before === null ? null : "100644", modeAfter: after === null ? null : "100644",
    before: before === null ? null : bytes(before), after: after === null ? null : bytes(after), ...extra,
  }; // prettier-ignore
}
const judge = (changes: JudgedChange[], basePaths: string[] = [], protectedPaths: string[] = []) =>
  judgeChanges(changes, { basePaths: basePaths.map(latin), protectedPaths });
const codes = (changes: JudgedChange[], basePaths: string[] = []) =>
  judge(changes, basePaths).map(({ level, code }) => `${level} ${code}`);

it("has nothing to say about a plain change with its test", () => {
  expect(
    judge(
      [
        change("src/cart.js", "a - b\n", "a + b\n"),
        change("test/cart.test.js", null, 'test("adds", () => assert.equal(add(1, 1), 2));\n'),
      ],
      ["src", "src/cart.js", "test"],
    ),
  ).toEqual([]);
});

describe("refuse", () => {
  it.each([
    "../up", "/etc/passwd", "a//b", ".GIT/config", "git~1/x", "a\\b", "a:b", "foo.", "bar ", "dir./x", "aux.ts", "sub/CON", "com1.js", "a\u0000b", "a\nb", "a\u202eb", "a\u200bb", ".g\u200cit/x",
  ])("the new name %j (cases 13, 14)", (path) => {
    expect(codes([change(path, null, "x")])).toContain("refuse bad_name");
  }); // prettier-ignore

  it("a new name that is no UTF-8, and leaves such a name of the base alone (case 15)", () => {
    const odd = { rawPath: "caf\xe9.js", path: "caf\ufffd.js" };
    expect(judge([{ ...change("x", null, "x"), ...odd }]).map(({ code }) => code)).toContain("bad_name");
    expect(judge([{ ...change("x", "x", "y"), ...odd }])).toEqual([]);
  });

  it.each([
    ["README.md", "readme.md"], ["src/a.js", "SRC/b.js"], ["café.js", "cafe\u0301.js"], ["straße", "STRASSE"], ["src/x", "Src"],
  ])("a twin of %j: %j (case 14)", (base, twin) => {
    expect(codes([change(twin, null, "x")], ["src", base])).toContain("refuse twin_name");
  }); // prettier-ignore

  it("twins of each other; and takes a rename that only changes case", () => {
    expect(codes([change("a.js", null, "x"), change("A.js", null, "x")])).toContain("refuse twin_name");
    expect(codes([change("a.js", "x", null), change("A.js", null, "x")], ["a.js"])).toEqual([]);
  });

  it.each([
    ["a new symlink", { modeBefore: null, modeAfter: "120000" }, "symlink"], ["a changed symlink", { modeBefore: "120000", modeAfter: "120000" }, "symlink"], ["a symlink made a file", { modeBefore: "120000", modeAfter: "100644" }, "symlink"],
    ["a submodule", { modeBefore: null, modeAfter: "160000" }, "submodule"], ["another mode", { modeBefore: "100644", modeAfter: "100664" }, "mode"],
  ] as const)("%s (cases 11, 12)", (_name, modes, code) => {
    expect(codes([change("link", "x", "y", modes)])).toContain(`refuse ${code}`);
  }); // prettier-ignore
});

describe("hold", () => {
  it.each([
    ".github/workflows/ci.yml", "docs/.github/x", "CODEOWNERS", ".claude/settings.json", "sub/.mcp.json", "claude.md", "AGENTS.md", ".npmrc", "a/.yarnrc.yml", ".pnpmfile.cjs", ".husky/pre-commit", ".gitattributes",
    "Dockerfile.prod", "Makefile", "scripts/run.sh", "next.config.mjs", "vercel.json", "src/middleware/auth.ts", "middleware.ts", "db/migrations/1.sql", "package-lock.json", "web/pnpm-lock.yaml", "tsconfig.json", "vitest.config.ts", ".eslintrc.json", ".env.local",
  ])("%s", (path) => {
    expect(judge([change(path, "a", "b")]).map(({ level }) => level)).toContain("hold");
  }); // prettier-ignore

  it("what the project names, at any depth", () => {
    expect(judge([change("app/billing/charge.ts", "a", "b")], [], ["billing"])).toMatchObject([
      { level: "hold", code: "project_protected", path: "app/billing/charge.ts" },
    ]);
    expect(judge([change("app/billing/charge.ts", "a", "b")], [], ["app/billing/**"])).toHaveLength(1);
    expect(judge([change("app/bill.ts", "a", "b")], [], ["billing"])).toEqual([]);
  });

  it("new hosts, once each with their line, and none that were there", () => {
    const verdicts = judge([
      change(
        "src/a.js",
        'get("https://known.example.io/x")\n',
        'get("https://known.example.io/y")\n// see https://new.host/a\nget("wss://new.host")\nfetch("http://localhost:3000")\n',
      ),
    ]);
    expect(verdicts).toEqual([
      {
        level: "hold",
        code: "new_host",
        path: "src/a.js",
        line: 2,
        detail: "an address at the new host new.host",
      },
    ]);
  });

  it("binaries, pointers to large files, files that become executable", () => {
    expect(codes([change("a.png", null, "x", { isBinary: true })])).toEqual(["hold binary"]);
    expect(codes([change("a.bin", null, "a\0b")])).toEqual(["hold binary"]);
    expect(
      codes([
        change(
          "a.psd",
          "version https://git-lfs.github.com/spec/v1\noid a",
          "version https://git-lfs.github.com/spec/v1\noid b",
        ),
      ]),
    ).toEqual(["hold lfs_pointer"]);
    expect(codes([change("run", "x", "x", { modeAfter: "100755" })])).toEqual(["hold executable"]);
  });
});

describe("flag", () => {
  const test = (before: string, after: string | null) => codes([change("test/a.test.js", before, after)]);

  it("weakened tests (case 23)", () => {
    const two = 'it("a", () => expect(1).toBe(1));\nit("b", () => expect(2).toBe(2));\n';
    expect(test(two, null)).toEqual(["flag test_deleted"]);
    expect(test(two, two.replace('it("a"', 'it.skip("a"'))).toContain("flag test_skipped");
    expect(test(two, two.replace('it("a"', 'it.only("a"'))).toContain("flag test_skipped");
    expect(test(two, two.replace('"a", ()', '"a", { skip: true }, ()'))).toContain("flag test_skipped");
    expect(test(two, 'it("a", () => expect(1).toBe(1));\nit("b", () => {});\n')).toEqual(["flag fewer_asserts"]);
    expect(test(two, `${two}it("c", () => expect(3).toBe(3));\n`)).toEqual([]);
    expect(codes([change("src/__snapshots__/a.snap", "a", "b")])).toContain("flag snapshot_rewritten");
    expect(codes([change("coverage.json", '{ "branches": 80 }', '{ "branches": 60 }')])).toEqual([
      "flag threshold_lowered",
    ]);
  });

  it.each([
    ["lint_disabled", "// eslint-disable-next-line no-eval"], ["types_disabled", "// @ts-ignore"], ["eval_like", "eval(input)"], ["eval_like", 'require("node:child_process")'], ["eval_like", 'new Function("return 1")'],
    ["raw_html", "<div dangerouslySetInnerHTML={x} />"], ["raw_html", "el.innerHTML = text"], ["coverage_disabled", "/* c8 ignore next */"], ["invisible_characters", "const a = 'x\u202ey'"],
  ])("%s in an added line, with its number", (code, line) => {
    expect(judge([change("src/a.js", "one\n", `one\n${line}\n`)])).toEqual([{ level: "flag", code, path: "src/a.js", line: 2, detail: expect.any(String) }]);
    expect(judge([change("src/a.js", `${line}\none\n`, `one\n${line}\n`)])).toEqual([]);
  }); // prettier-ignore

  it("not a regular expression's exec, nor a static import", () => {
    expect(codes([change("src/a.js", "", 'const m = /a/.exec(text);\nconst x = await import("./b.js");\n')])).toEqual(
      [],
    );
  });
});

describe("any tree", () => {
  const name = fc.stringMatching(/^[a-z\u00e0-\u00f6]{3,8}x$/);
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
  const twinOf = (one: string) =>
    fc.constantFrom(one.toUpperCase(), one.normalize("NFD"), one.toUpperCase().normalize("NFD"));

  it("refuses a new name that is another one's twin by case or form, and takes it where nothing like it stands", () => {
    fc.assert(
      fc.property(path.chain((one) => fc.tuple(fc.constant(one), twinOf(one))), path, ([one, twin], other) => {
        fc.pre(one !== twin && !other.startsWith(one) && !one.startsWith(other));
        const refused = (paths: string[]) => judge(paths.map((each) => change(each, null, "x\n")), [one]).filter(({ level }) => level === "refuse");
        expect(refused([twin]), twin).not.toEqual([]);
        expect(refused([`${twin}/below`]), twin).not.toEqual([]);
        expect(refused([other]), other).toEqual([]);
      }),
    ); // prettier-ignore
  });

  it("refuses every link, submodule and odd mode, and nothing of an untouched or deleted file", () => {
    const mode = fc.constantFrom("120000", "160000", "100664", "040000", "100600");
    fc.assert(
      fc.property(path, mode, (one, modeAfter) => {
        expect(codes([change(one, null, "x\n", { modeAfter })]).join()).toContain("refuse");
        expect(codes([change(one, "x\n", null)], [one]).join()).not.toContain("refuse");
      }),
    );
  });
});
