import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { makeOwnedFolder, sweepOwnedFolders } from "./owned-folder.ts";

const parent = mkdtempSync(join(tmpdir(), "fc-owned-"));
afterAll(() => rmSync(parent, { recursive: true }));

it("removes what processes that are gone left, also one that had this process's number, and nothing else", async () => {
  const mine = await makeOwnedFolder(parent, "a");
  const ofTheContainerBefore = `${process.pid}.1.b`;
  for (const name of [ofTheContainerBefore, "999999999.5.c", `${process.pid}.an-older-version`, "not-ours"])
    mkdirSync(join(parent, name, "deep"), { recursive: true });
  expect(await sweepOwnedFolders(parent)).toHaveLength(3);
  expect(readdirSync(parent).toSorted()).toEqual([mine.slice(parent.length + 1), "not-ours"]);
  expect(await sweepOwnedFolders(join(parent, "missing"))).toEqual([]);
});
