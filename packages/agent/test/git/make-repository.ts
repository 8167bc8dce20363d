import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export type TestFolder = Disposable & { path: string; at(...names: string[]): string };

export function makeFolder(name = "agent-git-"): TestFolder {
  const path = mkdtempSync(join(tmpdir(), name));
  return {
    path,
    at: (...names) => join(path, ...names),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}

export type Content = string | Buffer | { link: string } | { script: string };
export type TestRepository = {
  gitDir: string;
  url: string;
  git(args: string[], input?: string | Buffer): string;
  /** Adds a commit with these files (null deletes) on the branch; names are bytes as latin1. */
  commit(files: Record<string, Content | null>, branch?: string): string;
};

/** A bare repository made with plumbing only: names and modes are whatever the test says. */
export function makeRepository(folder: TestFolder, name = "origin.git"): TestRepository {
  const gitDir = folder.at(name);
  const env = {
    PATH: process.env["PATH"] ?? "",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "ada@example.com",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "ada@example.com",
  };
  const git = (args: string[], input: string | Buffer = "", extra: Record<string, string> = {}) =>
    execFileSync("git", args, {
      env: { ...env, GIT_DIR: gitDir, ...extra },
      input,
      stdio: ["pipe", "pipe", "pipe"],
    })
      .toString("latin1")
      .trim();
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", gitDir], { env });
  git(["config", "uploadpack.allowAnySHA1InWant", "true"]);
  return {
    gitDir,
    url: `file://${gitDir}`,
    git,
    commit(files, branch = "main") {
      const index = { GIT_INDEX_FILE: join(gitDir, "test-index") };
      rmSync(index.GIT_INDEX_FILE, { force: true });
      const parent = git(["for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`]);
      if (parent) git(["read-tree", parent], "", index);
      const lines = Object.entries(files).map(([path, content]) => {
        if (content === null) return `0 ${"0".repeat(40)}\t${path}\0`;
        const isLink = typeof content === "object" && "link" in content;
        const isScript = typeof content === "object" && "script" in content;
        const body = isLink ? content.link : isScript ? content.script : content;
        const oid = git(["hash-object", "-w", "--stdin"], body);
        return `${isLink ? "120000" : isScript ? "100755" : "100644"} ${oid}\t${path}\0`;
      });
      git(["update-index", "-z", "--index-info"], Buffer.from(lines.join(""), "latin1"), index);
      const tree = git(["write-tree"], "", index);
      const commit = git(["commit-tree", tree, "-m", "a commit", ...(parent ? ["-p", parent] : [])]);
      git(["update-ref", `refs/heads/${branch}`, commit]);
      return commit;
    },
  };
}

/** Writes into a work tree as an agent would. */
export function put(root: string, path: string, content: Content): void {
  const place = join(root, path);
  mkdirSync(dirname(place), { recursive: true });
  if (typeof content === "object" && "link" in content) return symlinkSync(content.link, place);
  rmSync(place, { force: true });
  writeFileSync(place, typeof content === "object" && "script" in content ? content.script : content);
  chmodSync(place, typeof content === "object" && "script" in content ? 0o755 : 0o644);
}
