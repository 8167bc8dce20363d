/** One delivery as GitHub lists it. */
export type Listed = { id: number; guid: string; event: string; delivered_at: string };

const mostPages = 10;
/** GitHub tries each once more per call: with the first, an hour of the background's rounds. */
const mostAttempts = 12;
/** Of one round: below what a project's webhooks may come a minute. */
const mostAtOnce = 50;

/** The newest pages of a list of deliveries, as far back as `since`. */
export async function recentOf(pages: AsyncIterable<{ data: Listed[] }>, since: Date): Promise<Listed[]> {
  const listed: Listed[] = [];
  let count = 0;
  for await (const { data } of pages) {
    listed.push(...data.filter(({ delivered_at: at }) => new Date(at) >= since));
    const oldest = data.at(-1);
    if (++count === mostPages || !oldest || new Date(oldest.delivered_at) < since) break;
  }
  return listed;
}

/**
 * What is not known here, once each. Newest first, as GitHub lists them: an issue's end that was missed is known before
 * its beginning comes, and no run is started for nothing.
 */
export function pickMissed(listed: Listed[], known: ReadonlySet<string>): Listed[] {
  const byGuid = Map.groupBy(
    listed.filter(({ guid }) => !known.has(guid)),
    ({ guid }) => guid,
  );
  return [...byGuid.values()]
    .filter((attempts) => attempts.length < mostAttempts)
    .flatMap(([latest]) => (latest ? [latest] : []))
    .slice(0, mostAtOnce);
}
