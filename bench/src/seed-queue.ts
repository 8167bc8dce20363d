import pg from "pg";

type Owner = pg.Client;
type Projects = { workspaceId: string; count: number; maxConcurrentRuns: number };
type Jobs = { workspaceId: string; count: number };

/** A uuid that sorts by `at` (milliseconds) and by `n` within it, as ours do: random ones would bloat the indexes. */
const idAt = (at: string, n: string) =>
  `(lpad(to_hex(${at} + ${n}), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid`;

/** As the tables' owner, whom row level security does not bind. */
export async function openOwner(url: string): Promise<Owner & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

export async function seedProjects(owner: Owner, seed: Projects): Promise<string[]> {
  const { rows } = await owner.query<{ id: string }>(
    `insert into fc.projects (id, workspace_id, name, github_repo, github_repo_id, webhook_secret, max_concurrent_runs)
     select gen_random_uuid(), $1, 'shop-' || n, 'acme/shop-' || n, n, '\\x00', $3 from generate_series(1, $2::int) n
     returning id`,
    [seed.workspaceId, seed.count, seed.maxConcurrentRuns],
  );
  return rows.map(({ id }) => id);
}

/**
 * Adds jobs that wait for a worker, in turn over the workspace's projects and behind those that wait already: all
 * rows that a webhook makes, in one statement. Foreign keys are not checked, only so that a million take a minute.
 */
export async function seedJobs(owner: Owner, { workspaceId, count }: Jobs): Promise<void> {
  await owner.query("set session_replication_role = replica");
  await owner.query(
    `with home as materialized (
       select p.id as project_id, row_number() over (order by p.id) - 1 as place, count(*) over () as projects,
         (select coalesce(max(i.number), 0) from fc.issues i where i.project_id = p.id) as last_number
       from fc.projects p where p.workspace_id = $1
     ), base as materialized (
       select (extract(epoch from clock_timestamp()) * 1000)::bigint - 100000000 as at
     ), made as materialized (
       select home.project_id, home.last_number + 1 + n / home.projects as number, clock_timestamp() - interval '1 minute' as run_at,
         ${idAt("base.at", "n")} as run_id, ${idAt("base.at", "n")} as job_id, ${idAt("base.at", "n")} as issue_id,
         ${idAt("base.at", "n")} as snapshot_id
       from base, generate_series(0, $2::int - 1) n join home on home.place = n % home.projects
     ), issues as (
       insert into fc.issues (id, project_id, number, title, author, url, ever_had_feedback_label, github_updated_at)
       select issue_id, project_id, number, 'The total is wrong', 'reporter', 'https://github.com/acme/shop/issues/' || number, true, now() from made
     ), snapshots as (
       insert into fc.issue_snapshots (id, project_id, issue_id, title, body, labels, author, source, issue_updated_at)
       select snapshot_id, project_id, issue_id, 'The total is wrong', 'With two items the cart shows one.', '{feedback-bot,auto-implement}', 'reporter', 'webhook', now() from made
     ), runs as (
       insert into fc.pipeline_runs (id, job_id, project_id, issue_id, github_issue_number, branch, triggered_by, stage, phase, waiting_for, next_seq)
       select run_id, job_id, project_id, issue_id, number, 'feedback/issue-' || number, 'reporter', 'queued', 'snapshot', 'worker', 1 from made
     )
     insert into fc.job_queue (id, workspace_id, project_id, run_id, github_issue_number, issue_body, snapshot_id, run_at, resume_at)
     select job_id, $1, project_id, run_id, number, 'With two items the cart shows one.', snapshot_id, run_at, 'snapshot' from made`,
    [workspaceId, count],
  );
  await owner.query("set session_replication_role = origin");
}

/** Statistics as autovacuum would have them by then, and no dead rows of the rounds before. */
export async function settleTables(owner: Owner): Promise<void> {
  await owner.query("vacuum analyze fc.job_queue, fc.pipeline_runs, fc.projects, fc.issues, fc.issue_snapshots");
}

/** Effects of jobs that are over would be delivered while the other side is measured. */
export async function forgetEffects(owner: Owner): Promise<void> {
  await owner.query("delete from fc.outbox");
}
