import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { userOf } from "./find.ts";
import type { Hub, Repository, Role } from "./hub.ts";
import { git, readRefs } from "./run-git.ts";

export type FileContent = string | Buffer | { content: string | Buffer; isExecutable: boolean };

export type NewRepository = {
  owner: string;
  name: string;
  ownerType?: "User" | "Organization";
  isPrivate?: boolean;
  defaultBranch?: string;
  /** First commit's files; without `files` and `fromFolder` the repository is empty. */
  files?: Record<string, FileContent>;
  /** Takes every file below this folder (and nothing of a `.git` or `node_modules` in it). */
  fromFolder?: string;
  /** Roles by login. The owner is admin. */
  roles?: Record<string, Role>;
  message?: string;
};

/** Makes a real bare repository, with one commit when it is given files. */
export async function createRepository(hub: Hub, wanted: NewRepository): Promise<Repository> {
  const { owner, name, defaultBranch = "main", message = "First version" } = wanted;
  const gitDir = join(hub.folder, owner, `${name}.git`);
  await mkdir(gitDir, { recursive: true });
  await git(hub, gitDir, ["init", "--bare", "--quiet", `--initial-branch=${defaultBranch}`, gitDir]);
  await configure(gitDir);
  const files = {
    ...(wanted.fromFolder ? await readFolder(wanted.fromFolder) : {}),
    ...wanted.files,
  };
  if (Object.keys(files).length > 0) await commitFiles(hub, gitDir, { branch: defaultBranch, message, files });

  const user = userOf(hub, owner, wanted.ownerType ?? "User");
  const repository: Repository = {
    id: hub.newId(), owner: user, name, formerNames: [], isPrivate: wanted.isPrivate ?? false, isArchived: false,
    hasIssues: true, defaultBranch, protectedBranches: new Set(), rules: [],
    createdAt: hub.now(), pushedAt: hub.now(), gitDir, roles: new Map(), labels: new Map(), issues: new Map(),
    nextNumber: 1, hooks: new Map(), deployments: [], statuses: [], checkRuns: [], refs: await readRefs(hub, gitDir),
    lastSync: Promise.resolve(),
  }; // prettier-ignore
  for (const [login, role] of Object.entries(wanted.roles ?? {})) {
    repository.roles.set(userOf(hub, login).login.toLowerCase(), role);
  }
  hub.repositories.set(repository.id, repository);
  return repository;
}

/**
 * What GitHub does on its side of a push: single commits may be fetched, `refs/pull/*` is read-only, protected
 * branches and workflow files (by a token without that right) are refused before anything is taken over.
 */
async function configure(gitDir: string): Promise<void> {
  const config = [
    "[uploadpack]", "\tallowAnySHA1InWant = true", "\tallowFilter = true",
    "[receive]", "\thideRefs = refs/pull", "\tfsckObjects = true", "[core]", "\tlogAllRefUpdates = false",
    "[gc]", "\tauto = 0", "",
  ].join("\n"); // prettier-ignore
  await writeFile(join(gitDir, "config"), config, { flag: "a" });
  await mkdir(join(gitDir, "hooks"), { recursive: true });
  const hook = join(gitDir, "hooks", "pre-receive");
  await writeFile(hook, preReceive);
  await chmod(hook, 0o755);
}

const preReceive = `#!/bin/sh
while read -r old new ref; do
  case " $DEMO_PROTECTED_REFS " in
    *" $ref "*) echo "error: GH006: Protected branch update failed for $ref." >&2; exit 1 ;;
  esac
  case "$new" in *[!0]*) ;; *) continue ;; esac
  test -n "$DEMO_NO_WORKFLOWS" || continue
  file=$(git log --format= --name-only --no-renames -m "$new" --not --all -- .github/workflows | head -n 1)
  if test -n "$file"; then
    echo "refusing to allow $DEMO_NO_WORKFLOWS to create or update workflow \\\`$file\\\` without \\\`workflows\\\` permission" >&2
    exit 1
  fi
done
`;

export type NewCommit = {
  branch: string;
  message: string;
  files: Record<string, FileContent | null>;
  author?: string;
};

/** Commits on a branch (a new one begins at nothing, or at its own tip), by one `git fast-import`; null deletes. */
export async function commitFiles(
  hub: Hub,
  gitDir: string,
  { branch, message, files, author = "demo" }: NewCommit,
): Promise<string> {
  const ref = `refs/heads/${branch}`;
  const parent = (await readRefs(hub, gitDir)).get(ref);
  const when = `${Math.floor(hub.now().getTime() / 1000)} +0000`;
  const parts: (string | Buffer)[] = [
    `commit ${ref}\ncommitter ${author} <${author}@users.noreply.github.com> ${when}\n`,
  ];
  parts.push(...data(message), ...(parent ? [`from ${parent}\n`] : []));
  for (const [path, file] of Object.entries(files)) {
    if (file === null) {
      parts.push(`D ${JSON.stringify(path)}\n`);
      continue;
    }
    const { content, isExecutable } =
      typeof file === "string" || Buffer.isBuffer(file) ? { content: file, isExecutable: false } : file;
    parts.push(`M ${isExecutable ? "100755" : "100644"} inline ${JSON.stringify(path)}\n`, ...data(content));
  }
  const input = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  await git(hub, gitDir, ["fast-import", "--quiet"], { input });
  return (await git(hub, gitDir, ["rev-parse", ref])).trim();
}

function data(content: string | Buffer): (string | Buffer)[] {
  return [`data ${Buffer.byteLength(content)}\n`, content, "\n"];
}

async function readFolder(folder: string): Promise<Record<string, FileContent>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: Record<string, FileContent> = {};
  for (const entry of entries) {
    const full = join(entry.parentPath, entry.name);
    const path = full
      .slice(folder.length)
      .replace(/^[/\\]+/, "")
      .replaceAll("\\", "/");
    if (!entry.isFile() || /(^|\/)(\.git|node_modules)\//.test(path)) continue;
    const { mode } = await stat(full);
    files[path] = { content: await readFile(full), isExecutable: (mode & 0o100) !== 0 };
  }
  return files;
}
