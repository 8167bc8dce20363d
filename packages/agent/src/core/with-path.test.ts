import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { withPathAfter, withPathBefore } from "./with-path.ts";

const run = ([file = "", ...args]: string[]) => execFileSync(file, args, { env: { PATH: "/bin" }, encoding: "utf8" });
const argv = ["/bin/sh", "-c", 'printf "%s|" "$PATH" "$@"', "x", "it's", "$HOME a"];

describe("a command with more folders on PATH", () => {
  it("finds their programs first, or last, and gets its arguments as they were", () => {
    expect(run(withPathBefore(["/a", "/b c"], argv))).toBe("/a:/b c:/bin|it's|$HOME a|");
    expect(run(withPathAfter(["/a", "/b c"], argv))).toBe("/bin:/a:/b c|it's|$HOME a|");
  });

  it("stays as it is without any", () => {
    expect(withPathAfter([], argv)).toEqual(argv);
  });
});
