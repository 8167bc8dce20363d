import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { ignoring } from "../platform/ignoring.ts";

const note = z.object({ commits: z.array(z.string()), packs: z.array(z.string()) });
const noteName = "feedback-chat-whole.json";
const maxCommits = 100;

/** Notes that every object of this commit was found in the mirror, and which files are there. The mirror is locked. */
export async function noteWhole(mirrorDir: string, sha: string): Promise<void> {
  const packs = await packsOf(mirrorDir);
  const earlier = (await wholeCommits(mirrorDir, packs)).filter((commit) => commit !== sha);
  const commits = [...earlier, sha].slice(-maxCommits);
  await writeFile(join(mirrorDir, noteName), JSON.stringify({ commits, packs }));
}

/**
 * Whether that was found for this commit, and the files are still there: to look at each object again costs a large
 * repository more than to write its tree.
 */
export async function wasWhole(mirrorDir: string, sha: string): Promise<boolean> {
  return (await wholeCommits(mirrorDir, await packsOf(mirrorDir))).includes(sha);
}

async function wholeCommits(mirrorDir: string, packs: string[]): Promise<string[]> {
  const text = await readFile(join(mirrorDir, noteName), "utf8").catch(ignoring("ENOENT"));
  const noted = text === undefined ? undefined : note.safeParse(jsonOrNothing(text)).data;
  const isUnchanged = noted?.packs.every((pack) => packs.includes(pack));
  return noted && isUnchanged ? noted.commits : [];
}

/** By name, which is made from what is in it, and size: git never writes into a pack that it has finished. */
async function packsOf(mirrorDir: string): Promise<string[]> {
  const folder = join(mirrorDir, "objects/pack");
  const names = (await readdir(folder)).filter((name) => /^pack-[0-9a-f]+\.(pack|idx)$/.test(name));
  return Promise.all(names.map(async (name) => `${name} ${(await stat(join(folder, name))).size}`));
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
