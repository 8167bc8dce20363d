import { createHash } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";
import { execa } from "execa";

export type Seal = {
  /** Of paths, kinds, modes, sizes and links: the same for every install that puts the same packages there. */
  hash: string;
  /** That nothing was written since. @throws Problem sandbox_leaks */
  requireUnbroken(): Promise<void>;
};

/**
 * Remembers folders as they are. What proves that nothing changed are inode numbers and change times, which nobody but
 * the machine's root can set: to read every file again would cost seconds.
 */
export async function sealLayer(folders: readonly string[]): Promise<Seal> {
  const { hash, stamp } = await readState(folders);
  return {
    hash,
    async requireUnbroken() {
      if ((await readState(folders)).stamp === stamp) return;
      throw new Problem("sandbox_leaks", "The installed packages changed while sandboxes used them.", {
        next: "Run `feedback-chat check --sandbox` on the worker, and do not trust this run's checks.",
      });
    },
  };
}

/** Two strings an entry: what it is, then when and where it was written. A folder's size depends on its past. */
const format = "%P\\0%y %m %s %l\\0%C@ %i\\0";
const formatOfFolder = format.replace(" %s", "");

async function readState(folders: readonly string[]): Promise<{ hash: string; stamp: string }> {
  const [hash, stamp] = [createHash("sha256"), createHash("sha256")];
  for (const folder of folders) {
    const args = [folder, "-xdev", "(", "-type", "d", "-printf", formatOfFolder, ")", "-o", "-printf", format];
    const options = {
      env: {},
      extendEnv: false,
      encoding: "latin1",
      maxBuffer: 1e9,
      stripFinalNewline: false,
    } as const;
    const { stdout } = await execa("find", args, options);
    for (const { path, kind, written } of entriesIn(stdout)) {
      hash.update(`${path}\0${kind}\0`);
      stamp.update(`${path}\0${kind}\0${written}\0`);
    }
    hash.update("\0");
    stamp.update("\0");
  }
  return { hash: hash.digest("hex"), stamp: stamp.digest("hex") };
}

/** Sorted: a folder has no order of its own. */
function entriesIn(output: string) {
  const fields = output.split("\0");
  const entries: { path: string; kind: string; written: string }[] = [];
  for (let at = 0; at + 2 < fields.length; at += 3)
    entries.push({ path: fields[at] ?? "", kind: fields[at + 1] ?? "", written: fields[at + 2] ?? "" });
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}
