type Asked<K, V> = { one: K; resolve(answer: V): void; reject(error: unknown): void };

/** How long questions about access are gathered: a hundredth of the time between two of one reader. */
export function gatherMsOf({ accessRecheckSeconds }: { accessRecheckSeconds: number }): number {
  return accessRecheckSeconds * 10;
}

/** A statement with more parameters than this takes longer than two. */
const mostAtOnce = 1_000;

/**
 * For questions that many ask, each of its own thing and at its own time, such as whether a reader may still read: one
 * look answers all that are asked within `gatherMs`. What is asked comes to `ask` after it was asked, never before.
 * @param ask answers in the order of what it is asked.
 */
export function askTogether<K, V>(
  gatherMs: number,
  ask: (all: readonly K[]) => Promise<readonly V[]>,
): (one: K) => Promise<V> {
  let gathered: Asked<K, V>[] = [];

  async function answer(some: readonly Asked<K, V>[]): Promise<void> {
    try {
      const answers = await ask(some.map(({ one }) => one));
      if (answers.length !== some.length) throw new RangeError(`${some.length} asked, ${answers.length} were answered.`);
      for (const [n, { resolve }] of some.entries()) resolve(answers[n] as V);
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }

  async function answerAll(): Promise<void> {
    const all = gathered;
    gathered = [];
    for (let first = 0; first < all.length; first += mostAtOnce) await answer(all.slice(first, first + mostAtOnce));
  }

  return (one) => {
    const { promise, resolve, reject } = Promise.withResolvers<V>();
    if (gathered.length === 0) setTimeout(() => void answerAll(), gatherMs);
    gathered.push({ one, resolve, reject });
    return promise;
  };
} // prettier-ignore
