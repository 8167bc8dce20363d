import { describe, expect, it } from "vitest";
import { installFailure } from "./install-failure.ts";

// As npm 11, pnpm 8 to 12, yarn 1 and 4, and bun 1 wrote them.
const npmOutOfSync = `npm warn Unknown env config "manage-package-manager-versions". This will stop working.
npm warn EBADENGINE Unsupported engine {
npm warn EBADENGINE   package: 'a@1.0.0',
npm warn EBADENGINE }
npm warn deprecated inflight@1.0.6: This module is not supported, and leaks memory. Do not use it.
npm error code EUSAGE
npm error
npm error \`npm ci\` can only install packages when your package.json and package-lock.json are in sync.
npm error
npm error Missing: semver@7.6.3 from lock file
npm error
npm error Clean install a project
npm error
npm error Usage:
npm error npm ci
npm error A complete log of this run can be found in: /home/agent/.npm/_logs/x-debug-0.log
`;
const npmConflict = `npm error code ERESOLVE
npm error ERESOLVE could not resolve
npm error While resolving: react-dom@18.0.0
npm error Found: react@19.0.0
`;
const pnpm = `Lockfile is up to date, resolution step is skipped
 WARN  The "store" is new
 ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not up to date with package.json
  Failure reason:
* 1 dependencies were added: ms@2.1.3
`;
const berry = `➤ YN0000: · Yarn 4.18.1
➤ YN0000: ┌ Resolution step
➤ YN0085: │ + ms@npm:2.1.3
➤ YN0000: └ Completed
➤ YN0000: ┌ Post-resolution validation
➤ YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.
➤ YN0000: · Failed with errors in 0s 342ms
`;

describe("installFailure", () => {
  it("shows npm's cause without warnings, usage and the path of a log", () => {
    expect(installFailure(npmOutOfSync)).toBe(
      "code EUSAGE\n`npm ci` can only install packages when your package.json and package-lock.json are in sync.\nMissing: semver@7.6.3 from lock file",
    );
  });

  it.each([
    ["npm's conflict", npmConflict, /^code ERESOLVE\n[^]*Found: react@19/],
    ["pnpm's stale lockfile", pnpm, /^ ?ERR_PNPM_OUTDATED_LOCKFILE [^]*were added: ms@2\.1\.3$/],
    ["yarn's stale lockfile", berry, /^YN0028: The lockfile would have been modified by this install/],
    ["yarn 1's error", "yarn install v1.22.22\n[1/4] x\nerror Your lockfile needs to be updated\ninfo Visit", /^error Your lockfile/],
    ["bun's error", "bun install v1.4.5\nerror: lockfile had changes, but lockfile is frozen\n", /^error: lockfile had changes/],
    ["another hash", "pnpm 10.1.0 is not the one that is pinned: its sha512 is 00", /^pnpm 10\.1\.0 is not the one/],
  ])("shows %s", (_what, output, expected) => {
    expect(installFailure(output)).toMatch(expected);
  }); // prettier-ignore

  it("shows the last lines of what it does not know", () => {
    expect(installFailure(`${"x\n".repeat(50)}Segmentation fault\n`)).toMatch(/^(x\n){13}Segmentation fault$/);
    expect(installFailure("")).toBe("");
  });

  it("never shows more than fits in the evidence", () => {
    expect(installFailure(`npm error ${"x".repeat(5_000)}`).length).toBeLessThanOrEqual(1_200);
  });
});
