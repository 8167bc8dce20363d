import type pg from "pg";
import { listRuns } from "../../control-plane/src/runs/list-runs.ts";
import { selectRuns } from "../../control-plane/src/runs/to-run.ts";
import { startPostgres } from "../../scripts/postgres.ts";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";
import { openPool } from "./open-pool.ts";
import { openQueue, type Queue } from "./open-queue.ts";
import { seedJobs, settleTables } from "./seed-queue.ts";

const projects = 1_000;
const [warmUp, samples] = [20, 150];
const limit = 50;

export const bench: Bench = {
  name: "p11-tenant-walls",
  about: "what row level security costs: a page of runs of one project of 1,000, as the route asks for it",
  async *run({ isFull, tell }) {
    await using cluster = await startPostgres();
    await using queue = await openQueue(cluster.url, { projects, workers: 1 });
    await using pool = openPool(queue.url, 1);
    const sizes = isFull ? [10_000, 100_000, 1_000_000] : [10_000, 50_000, 200_000];
    let [seeded, first] = [0, [] as number[]];
    for (const size of sizes) {
      tell(`seeds up to ${size} runs`);
      await seedJobs(queue.owner, { workspaceId: queue.workspaceId, count: size - seeded });
      await settleTables(queue.owner);
      seeded = size;
      const sides = await measure(queue, pool);
      const name = `P11 page of runs, ${size.toLocaleString("en")} in all`;
      yield compare({ bench: name, unit: "ms", baselineName: "same query and transaction, as the owner" }, sides);
      if (first.length > 0) yield compare({ bench: `${name}, growth`, unit: "ms", baselineName: `with ${sizes[0]?.toLocaleString("en")}` }, { ours: sides.ours, baseline: first });
      else first = sides.ours;
    }
  },
}; // prettier-ignore

async function measure(queue: Queue, pool: pg.Pool) {
  const taken: Record<"ours" | "baseline", number[]> = { ours: [], baseline: [] };
  for (let n = 0; n < warmUp + samples; n += 1) {
    const projectId = queue.projectIds[n % projects] ?? "";
    const sides = {
      ours: async () => (await listRuns(queue.deps, { projectId }, { limit })).items.length,
      baseline: () => asOwner(queue, pool, projectId),
    };
    const seen = new Set<number>();
    for (const name of ["ours", "baseline"] as const) {
      const startMs = performance.now();
      seen.add(await sides[name]());
      if (n >= warmUp) taken[name].push(performance.now() - startMs);
    }
    if (seen.size !== 1) throw new Error(`The two sides saw ${[...seen].join(" and ")} runs.`);
  }
  return taken;
}

/** Whom row level security does not bind: only the `where` keeps the others out. */
async function asOwner({ deps: { db } }: Queue, pool: pg.Pool, projectId: string): Promise<number> {
  const select = selectRuns.compile(db).sql;
  const text = `${select} where r.project_id = $1 order by r.started_at desc, r.id desc limit $2`;
  const client = await pool.connect();
  try {
    await client.query("begin");
    const { rows } = await client.query({ name: "page", text, values: [projectId, limit + 1] });
    await client.query("commit");
    return Math.min(limit, rows.length);
  } finally {
    client.release();
  }
}
