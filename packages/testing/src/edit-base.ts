import { execFileSync } from "node:child_process";
import type { Attack } from "./open-attack.ts";

/**
 * Commits to the base branch what no file system and no `git add` would let through: `change` gets the entries of the
 * base's root tree as bytes and gives back those of the new one. As a hostile or an old repository has them.
 */
export async function editBaseTree(attack: Attack, change: (entries: Buffer) => Buffer): Promise<string> {
  const { gitDir, github, repo } = attack;
  const git = (args: string[], input?: Buffer) =>
    execFileSync("git", args, { cwd: gitDir, input: input ?? Buffer.alloc(0), env: author, stdio: ["pipe", "pipe", "pipe"] }); // prettier-ignore
  const entries = git(["cat-file", "tree", "main^{tree}"]);
  const tree = git(["hash-object", "-t", "tree", "-w", "--stdin", "--literally"], change(entries)).toString().trim();
  const commit = git(["commit-tree", tree, "-p", "main", "-m", "An odd tree"]).toString().trim();
  git(["update-ref", "refs/heads/main", commit]);
  // The local GitHub looks at its refs anew after any push.
  await github.pushFiles({ repo, branch: "other", files: { "other.txt": "other\n" } });
  return commit;
}

/** One entry of a tree object, as git stores it. */
export function treeEntry(mode: string, name: string | Buffer, objectId: string): Buffer {
  const path = typeof name === "string" ? Buffer.from(name) : name;
  return Buffer.concat([Buffer.from(`${mode} `), path, Buffer.of(0), Buffer.from(objectId, "hex")]);
}

/** A new entry at the place where git looks for it. */
export function insertEntry(entries: Buffer, entry: Buffer): Buffer {
  const nameOf = (bytes: Buffer) => bytes.subarray(bytes.indexOf(" ") + 1, bytes.indexOf(0));
  let at = 0;
  while (at < entries.length && Buffer.compare(nameOf(entries.subarray(at)), nameOf(entry)) < 0)
    at = entries.indexOf(0, at) + 21;
  return Buffer.concat([entries.subarray(0, at), entry, entries.subarray(at)]);
}

const author = {
  PATH: process.env["PATH"] ?? "",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.com",
};
