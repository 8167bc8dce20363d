import pg from "pg";
import { processesWith } from "../process-tree.ts";
import { finalStages, judgeIssue, type RunRow } from "./judge-issue.ts";
import type { Field } from "./open-field.ts";

export type OpenedIssue = { repo: string; number: number };
export type Standing = { runs: RunRow[]; leftovers: string[] };

/** What the database holds, read beside the product's own way. @throws when the database is away. */
export async function readStanding(databaseUrl: string): Promise<Standing> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on("error", () => client.end());
  await client.connect();
  try {
    const { rows: runs } = await client.query<RunRow>(runsQuery);
    const leftovers: string[] = [];
    for (const { what, query } of nothingLeft) {
      const { rows } = await client.query<{ row: string }>(query);
      leftovers.push(...rows.map(({ row }) => `${what}: ${row}`));
    }
    return { runs, leftovers };
  } finally {
    await client.end();
  }
}

const runsQuery = `
  select p.github_repo as repo, r.github_issue_number as number, r.stage, r.reason, r.waiting_for as "waitingFor",
    r.github_pr_number as "prNumber", r.branch, r.head_sha as "headSha", j.status as "jobStatus", j.attempt,
    (select count(*)::int from fc.run_events e where e.run_id = r.id and e.event = 'lease_lost') as lost
  from fc.pipeline_runs r join fc.job_queue j on j.id = r.job_id join fc.projects p on p.id = r.project_id order by 1, r.github_issue_number`;

/** Each has to be empty once all runs have ended. */
const nothingLeft = [
  {
    what: "a job that has not ended",
    query: `select concat_ws(' ', j.id, j.status, j.run_at, j.resume_at, 'attempt', j.attempt) as row from fc.job_queue j where j.status in ('pending', 'processing')`,
  },
  {
    what: "a project that counts jobs at work",
    query: `select concat_ws(' ', p.name, p.running_jobs) as row from fc.projects p where p.running_jobs <> 0`,
  },
  {
    what: "money reserved by a job that lives",
    query: `select s.id::text as row from fc.spend_reservations s join fc.pipeline_runs r on r.id = s.run_id
      join fc.job_queue j on j.id = r.job_id where s.settled_micro_usd is null and j.status in ('pending', 'processing')`,
  },
  {
    what: "an effect that was not delivered",
    query: `select concat_ws(' ', o.id, o.kind, 'tries', o.attempts, o.last_error) as row from fc.outbox o where o.done_at is null`,
  },
  {
    what: "a run whose events and lines have a gap or a double",
    query: `select concat_ws(' ', r.id, r.next_seq, said.most, said.many) as row from fc.pipeline_runs r cross join lateral (
        select count(*) as many, count(distinct seq) as different, coalesce(max(seq), 0) as most from (
          select seq from fc.run_events where run_id = r.id union all select seq from fc.run_logs where run_id = r.id) s) said
      where said.many <> said.most or said.many <> said.different or r.next_seq <> said.most + 1`,
  },
];

/** Whether there is something to wait for still. */
export function isSettled({ runs, leftovers }: Standing, issues: readonly OpenedIssue[]): boolean {
  return (
    runs.length >= issues.length && runs.every(({ stage }) => finalStages.includes(stage)) && leftovers.length === 0
  );
}

/** Everything that is not as it was promised, one sentence each, with the row. */
export function judgeField(field: Field, { runs, leftovers }: Standing, issues: readonly OpenedIssue[]): string[] {
  const byIssue = Map.groupBy(runs, ({ repo, number }) => `${repo}#${number}`);
  const wanted = new Set(issues.map(({ repo, number }) => `${repo}#${number}`));
  return [
    ...leftovers,
    ...[...byIssue.keys()].filter((name) => !wanted.has(name)).map((name) => `${name}: a run of no issue of ours`),
    ...field.tenants.flatMap(({ fullName }) => judgeRepository(field, fullName, { byIssue, issues })),
    ...processesWith(field.folder)
      .filter(({ argv }) => argv.includes("bwrap"))
      .map(({ argv }) => `a process that nobody needs any more: ${argv.slice(0, 300)}`),
    ...[...field.workers, ...field.servers.map(({ program }) => program)].flatMap(({ surprises }) => surprises),
  ];
}

type Known = { byIssue: Map<string, RunRow[]>; issues: readonly OpenedIssue[] };

function judgeRepository(field: Field, repo: string, { byIssue, issues }: Known): string[] {
  const { refs, pulls, issues: onGithub } = field.github.lookAt(repo);
  const heads = Object.entries(refs).flatMap(([ref, sha]) => {
    const found = /^refs\/heads\/(feedback\/issue-(\d+)-.+)$/.exec(ref);
    return found ? [{ branch: found[1] ?? "", number: Number(found[2]), sha }] : [];
  });
  const lonely = heads
    .filter(({ branch }) => !pulls.some(({ head }) => head === branch))
    .map(({ branch }) => `${repo}: branch ${branch} without a pull request`);
  const ofIssues = issues
    .filter((issue) => issue.repo === repo)
    .flatMap(({ number }) => {
      const own = byIssue.get(`${repo}#${number}`) ?? [];
      const ownPulls = pulls.filter(({ head }) => head.startsWith(`feedback/issue-${number}-`));
      const labels = onGithub.find((issue) => issue.number === number)?.labels ?? [];
      const wrong = judgeIssue({ own, pulls: ownPulls, heads: heads.filter((head) => head.number === number), labels });
      return wrong.map(
        (what) =>
          `${repo}#${number}: ${what}; runs ${JSON.stringify(own)}; pulls ${JSON.stringify(ownPulls.map(({ number: n, head, state }) => [n, head, state]))}; labels ${labels.join(" ")}`,
      );
    });
  return [...lonely, ...ofIssues];
}
