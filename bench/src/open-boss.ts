import { PgBoss } from "pg-boss";
import { openPool } from "./open-pool.ts";
import { openOwner } from "./seed-queue.ts";

const queue = "jobs";
const batchSize = 10_000;

/** pg-boss as its documentation says, without the upkeep that would run beside the measurement. */
export async function openBoss(url: string, size: { projects: number; workers: number }) {
  await using opened = new AsyncDisposableStack();
  const pool = opened.use(openPool(url, size.workers));
  const boss = new PgBoss({
    // As its own, but one whose end we can wait for.
    db: { executeSql: (text, values) => pool.query(text, values) },
    supervise: false,
    schedule: false,
  });
  boss.on("error", (error) => {
    throw error;
  });
  await boss.start();
  opened.defer(() => boss.stop({ graceful: false }));
  await boss.createQueue(queue);
  const owner = opened.use(await openOwner(url));

  async function workOne(options: object): Promise<void> {
    for (;;) {
      const [job] = await boss.fetch(queue, options);
      if (!job) continue; // another worker was quicker, or its group is busy
      await boss.complete(queue, job.id);
      return;
    }
  }
  const owned = opened.move();
  return {
    work: () => workOne({}),
    /** At most one at a time of each group. */
    workLimited: () => workOne({ groupConcurrency: 1 }),
    async seed(count: number): Promise<void> {
      for (let done = 0; done < count; done += batchSize) {
        const jobs = Array.from({ length: Math.min(batchSize, count - done) }, (_, index) => ({
          data: { issueNumber: done + index },
          group: { id: `shop-${(done + index) % size.projects}` },
        }));
        await boss.insert(queue, jobs);
      }
    },
    async settle(): Promise<void> {
      await owner.query("vacuum analyze");
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
