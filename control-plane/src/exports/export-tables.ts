/** What an export holds of one table: by which columns it is paged, how many rows at once, and what it keeps back. */
export type ExportTable = {
  table: string;
  key: readonly Column[];
  rows: number;
  /** Secrets and their hashes: they open something, and tell nobody anything. */
  keptBack?: readonly string[];
  /** It has a column `actor`, whose id is told as everywhere else. */
  hasActor?: boolean;
};
type Column = readonly [name: string, type: "uuid" | "bigint" | "bytea" | "text"];

const byId = [["id", "uuid"]] as const;
const few = 5;
const many = 500;

/** Every table with rows of a project, but those of its runs. A test holds this list against the schema. */
export const projectTables: readonly ExportTable[] = [
  { table: "credentials", key: byId, rows: many, keptBack: ["encrypted_value", "wrapped_dek", "kek_id"] },
  { table: "api_keys", key: byId, rows: many, keptBack: ["key_hash"] },
  { table: "endpoints", key: byId, rows: many, keptBack: ["secret", "secret_previous"] },
  { table: "endpoint_deliveries", key: byId, rows: few * 10 },
  { table: "issues", key: byId, rows: many },
  { table: "issue_snapshots", key: byId, rows: few },
  { table: "feedback", key: byId, rows: few * 10 },
  { table: "conversations", key: byId, rows: many },
  {
    table: "messages",
    key: [
      ["conversation_id", "uuid"],
      ["seq", "bigint"],
    ],
    rows: many,
  },
  { table: "blocked_reporters", key: [["reporter_hash", "bytea"]], rows: many },
  { table: "webhook_events", key: byId, rows: few },
  { table: "job_queue", key: byId, rows: few * 10, keptBack: ["lease_token", "claim_id", "permit_id"] },
  { table: "outbox", key: byId, rows: few * 10 },
  { table: "audit_logs", key: byId, rows: many, hasActor: true },
];

/** Rows of a run, by the run first: there they have their indexes, however many other projects have. */
export const runTables: readonly ExportTable[] = [
  { table: "run_events", key: [["run_id", "uuid"], ["seq", "bigint"]], rows: many, hasActor: true },
  { table: "run_actions", key: [["run_id", "uuid"], ["id", "uuid"]], rows: many, hasActor: true },
  { table: "spend_reservations", key: [["run_id", "uuid"], ["request_id", "uuid"]], rows: many },
  { table: "run_logs", key: [["run_id", "uuid"], ["seq", "bigint"]], rows: many },
  { table: "artifacts", key: [["run_id", "uuid"], ["name", "text"]], rows: 1 },
]; // prettier-ignore

export const runs: ExportTable = { table: "pipeline_runs", key: byId, rows: 50 };
export const project: ExportTable = {
  table: "projects", key: byId, rows: 1, keptBack: ["webhook_secret", "webhook_secret_previous"],
}; // prettier-ignore

/** Hashes of links and of visits to GitHub, answers kept sealed for a day, mails to people, numbers of a stream: nothing of the project's own. */
export const notExported = [
  "github_states",
  "idempotency_keys",
  "mails",
  "reporter_tokens",
  "workspace_events",
  "workspace_marks",
];
