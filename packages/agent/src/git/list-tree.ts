import { replaceAnyUnseen } from "@feedback-chat/protocol/invisible";
import { runGit, type GitDeps } from "./run-git.ts";

/** `path` is a byte string (latin1 of the name's bytes): git's names need not be UTF-8, and none may be lost. */
export type TreeEntry = {
  path: string;
  mode: string;
  type: "blob" | "tree" | "commit";
  oid: string;
  sizeBytes: number;
};

export function pathBytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}

/** The name for people; bytes that are no UTF-8 become U+FFFD, and what cannot be seen or turns the text is spelt out. */
export function shownPath(path: string): string {
  const spelled = (char: string) => `\\u{${char.codePointAt(0)?.toString(16)}}`;
  return replaceAnyUnseen(pathBytes(path).toString("utf8"), spelled).replace(/[\n\t]/g, spelled);
}

/** All entries below a tree, folders included, in git's order. */
export async function listTree(deps: GitDeps, gitDir: string, treeish: string): Promise<TreeEntry[]> {
  const output = await runGit(deps, ["ls-tree", "-r", "-t", "-z", "-l", "--full-tree", treeish], {
    gitDir,
    maxOutputBytes: 256 * 1024 * 1024,
  });
  const entries: TreeEntry[] = [];
  for (let start = 0, end = output.indexOf(0); end >= 0; start = end + 1, end = output.indexOf(0, start)) {
    const line = output.toString("latin1", start, end);
    const match = /^(\d{6}) (blob|tree|commit) ([0-9a-f]+) +(\d+|-)\t([\s\S]+)$/.exec(line);
    if (!match) throw new Error(`git ls-tree said something unknown: ${line.slice(0, 100)}`);
    const [, mode = "", type = "", oid = "", size = "", path = ""] = match;
    entries.push({
      path,
      mode,
      type: type as TreeEntry["type"],
      oid,
      sizeBytes: size === "-" ? 0 : Number(size),
    });
  }
  return entries;
}
