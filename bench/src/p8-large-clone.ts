import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGithub } from "@feedback-chat/demo/github-server";
import { growRepository } from "@feedback-chat/testing/grow-repository";
import { execa } from "execa";
import { alternate } from "./alternate.ts";
import type { Bench } from "./bench.ts";
import { startCloneProcess } from "./clone-process.ts";
import { compare } from "./figure.ts";
import { treeBytes, watchMemory } from "./watch-memory.ts";

const rounds = { warm: 5, cold: 2, memory: 2 };
const megabyte = 1024 ** 2;
/** Where there is one, in memory: 100,000 files on a busy disk take minutes, and then the disk is what is measured. */
const place = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export const bench: Bench = {
  name: "p8-large-clone",
  about: "a run's clone and tree of a repository of 100,000 files, as the worker takes them; and its memory meanwhile",
  async *run({ isFull, tell }) {
    const files = isFull ? 300_000 : 100_000;
    const folder = mkdtempSync(join(place, "feedback-chat-p8-"));
    try {
      await using github = await startGithub({ folder: join(folder, "github") });
      const { gitDir } = await github.createRepository({ owner: "acme", name: "large", files: { "README.md": "large" } });
      tell(`grows a repository to ${files} files`);
      growRepository(gitDir, { files, pastMegabytes: 20, without: [], textOf });
      const url = new URL(`${github.url}/acme/large.git`);
      url.username = "x-access-token";
      url.password = github.addToken({ login: "acme" });
      const reference = join(folder, "reference.git");
      // Not synchronously, here and below: the far end is in this process.
      await execa("git", ["clone", "--quiet", "--mirror", url.href, reference]);

      using clones = startCloneProcess({ folder, cloneUrl: `${github.url}/acme/large.git`, token: url.password });
      const tree = join(folder, "baseline");
      const running = new Set<number>();
      const bare = (...args: string[]) => ({
        work: () => bareClone([...args, url.href, tree], running),
        after: async () => rmSync(tree, { recursive: true }),
      });
      const ours = (kind: "cold" | "warm") => ({ work: () => clones.clone(kind), after: () => clones.forget() });
      const count = files.toLocaleString("en");

      const cold = await alternate(rounds.cold, { ours: ours("cold"), baseline: bare("--depth", "1") });
      yield compare({ bench: `P8 cold, ${count} files`, unit: "s", baselineName: "git clone --depth 1" }, cold);

      const referring = bare("--reference", reference);
      const warm = await alternate(rounds.warm, { ours: ours("warm"), baseline: referring });
      const baselineName = "git clone --reference";
      yield compare({ bench: `P8 warm, ${count} files`, unit: "s", baselineName }, warm);

      const megabytes: Record<"ours" | "baseline", number[]> = { ours: [], baseline: [] };
      for (let round = 0; round < rounds.memory; round += 1) {
        megabytes.ours.push(await peakOf(() => [clones.pid], ours("warm")));
        megabytes.baseline.push(await peakOf(() => [...running], referring));
      }
      yield compare({ bench: "P8 memory over idle, warm", unit: "MB", baselineName }, megabytes);
    } finally {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  },
}; // prettier-ignore

/** Each file has words of its own, of 30 to 900 bytes. */
const textOf = (at: number) => `export const value${at} = ${at};\n`.repeat(1 + (at % 30));

/** What anybody would type for the same tree. */
async function bareClone(args: string[], running: Set<number>): Promise<void> {
  const child = execa("git", ["clone", "--quiet", ...args]);
  const { pid } = child;
  if (pid === undefined) return void (await child); // it could not start: this throws
  running.add(pid);
  await child;
  running.delete(pid);
}

/** Megabytes above what the processes need at rest. */
async function peakOf(roots: () => readonly number[], { work, after }: { work(): Promise<void>; after(): Promise<void> }) {
  const restBytes = treeBytes(roots());
  const watch = watchMemory(roots);
  await work();
  const peakBytes = await watch.stop();
  await after();
  return (peakBytes - restBytes) / megabyte;
} // prettier-ignore
