import { streamGit, type GitDeps } from "./run-git.ts";

/** One `cat-file --batch` for all; each body has to be read to its end before the next entry. Memory stays flat. */
export async function* readBlobs<T extends { oid: string }>(
  deps: GitDeps,
  gitDir: string,
  entries: T[],
): AsyncGenerator<{ entry: T; body: AsyncIterable<Buffer> }> {
  if (entries.length === 0) return;
  const { stdout, end, stop } = streamGit(deps, ["cat-file", "--batch", "--buffer"], {
    gitDir,
    input: entries.map(({ oid }) => `${oid}\n`).join(""),
  });
  const reader = byteReader(stdout);
  let isWhole = false;
  try {
    for (const entry of entries) {
      const header = await reader.line();
      const size = new RegExp(`^${entry.oid} blob (\\d+)$`).exec(header)?.[1];
      if (size === undefined) throw new Error(`git cat-file could not read ${entry.oid}: ${header.slice(0, 100)}`);
      yield { entry, body: reader.take(Number(size)) };
      await reader.line();
    }
    isWhole = true;
  } finally {
    if (!isWhole) stop();
  }
  await end();
}

function byteReader(source: AsyncIterable<Buffer>) {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  const more = async () => {
    const { value, done } = await chunks.next();
    if (done) throw new Error("git cat-file ended too early");
    rest = rest.length === 0 ? value : Buffer.concat([rest, value]);
  };
  return {
    async line(): Promise<string> {
      while (!rest.includes(10)) await more();
      const end = rest.indexOf(10);
      const line = rest.subarray(0, end).toString("latin1");
      rest = rest.subarray(end + 1);
      return line;
    },
    async *take(size: number): AsyncGenerator<Buffer> {
      for (let left = size; left > 0;) {
        if (rest.length === 0) await more();
        const chunk = rest.subarray(0, left);
        rest = rest.subarray(chunk.length);
        left -= chunk.length;
        yield chunk;
      }
    },
  };
}

export async function joined(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}
