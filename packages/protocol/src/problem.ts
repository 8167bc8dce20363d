import * as z from "zod";

type ProblemRow = { status: number; exitCode: number; title: string; next: string };

/**
 * Every problem that a person can act on, once: HTTP status, exit code of the CLI, title, next step.
 * Exit codes: 1 failed, 2 usage, 3 findings, 4 no right, 5 not found, 6 conflict, 7 network, 8 pending,
 * 75 try later and 78 will not heal (worker only).
 */
export const problems = {
  invalid_request: row(400, 2, "The request is malformed", "Correct the request and send it again."),
  invalid_cursor: row(400, 2, "The cursor is not valid here", "Start again from the first page."),
  credential_in_url: row(
    400,
    2,
    "A secret stood in the address",
    "Send it as `Authorization: Bearer …`, and rotate it: addresses are logged.",
  ),
  bad_payload: row(400, 2, "The webhook's body cannot be read", "Send the event as JSON or as a form, as GitHub does."),
  unauthenticated: row(401, 4, "Not logged in", "Run `feedback-chat login`, or send a valid key."),
  authorization_pending: row(400, 8, "Nobody has decided yet", "Ask again after the interval."),
  bad_signature: row(
    401,
    4,
    "The webhook's signature does not match",
    "Compare the webhook's secret on GitHub with the project's.",
  ),
  key_expired: row(401, 4, "This key's time is over", "Use the key that replaced it, or create a new one."),
  budget_exceeded: row(
    402,
    1,
    "The budget is used up",
    "Raise the ceiling in the project's settings, or wait until tomorrow.",
  ),
  forbidden: row(403, 4, "Not allowed", "Ask an admin of the workspace for a role that may do this."),
  not_found: row(404, 5, "Not found", "Check the id, and that you are logged in to the right workspace."),
  lease_lost: row(409, 6, "Another attempt holds this job", "Stop working on it: nothing that you send will count."),
  already_final: row(409, 6, "This job has already ended", "Nothing to do: its ending stays as it is."),
  log_gap: row(409, 6, "Log lines are missing in between", "Send again from the acknowledged offset."),
  not_permitted: row(409, 8, "Publishing is not permitted now", "Park the job until a person has decided."),
  invalid_transition: row(
    409,
    6,
    "The run is in another stage",
    "Look at the run as it is now and choose one of the allowed actions.",
  ),
  stage_changed: row(409, 6, "The run has moved on meanwhile", "Look at the run as it is now and decide again."),
  idempotency_in_progress: row(409, 6, "The same request is still running", "Wait for its answer."),
  name_taken: row(409, 6, "The name is taken", "Choose another name."),
  last_owner: row(409, 6, "A workspace keeps an owner", "Make somebody else an owner first."),
  conflict: row(409, 6, "Somebody else was faster", "Look again and repeat."),
  payload_too_large: row(413, 2, "The body is too large", "Send less at once."),
  unsupported_media_type: row(415, 2, "The content type is not supported", "Send JSON."),
  validation_failed: row(422, 2, "Some fields are not valid", "Correct the fields that are named."),
  idempotency_mismatch: row(
    422,
    2,
    "This Idempotency-Key was used with another body",
    "Use a new key for a new request.",
  ),
  credential_type_not_allowed: row(
    422,
    2,
    "This kind of credential is not accepted here",
    "Keep it on your own worker.",
  ),
  endpoint_not_allowed: row(
    422,
    2,
    "This address is not allowed",
    "Use a public address; an operator opens private ranges with OUTBOUND_ALLOW.",
  ),
  upgrade_required: row(426, 78, "This version is no longer served", "Install the version that the server names."),
  rate_limited: row(429, 7, "Too many requests", "Wait as long as Retry-After says."),
  unavailable: row(503, 7, "The service cannot answer now", "Try again in a moment."),
  // 503 as well, but nothing that waiting heals.
  vault_shut: row(
    503,
    7,
    "The server cannot open its secrets",
    "Start the server with the master key that this database was made with; what waits for it goes on then.",
  ),
  credential_unreadable: row(
    503,
    7,
    "A stored secret cannot be read",
    "Enter it again, or restore its row from a backup; what waits for it goes on by itself within two minutes.",
  ),
  // Problems that a machine of the user's has, not the API.
  usage: row(400, 2, "The command line is not right", "See `--help`."),
  missing_key: row(400, 2, "A key is missing", "Set the key that is named and run the command again."),
  network: row(503, 7, "The server cannot be reached", "Check the address and the network, then try again."),
  github_unreachable: row(
    503,
    7,
    "GitHub cannot be reached",
    "Check the network and `GITHUB_API_URL`, then try again.",
  ),
  github_access: row(403, 1, "GitHub refuses the access", "Give the token the permission that is named."),
  github_refused: row(422, 1, "GitHub refuses the change", "Read GitHub's message; the diff is kept."),
  price_unknown: row(
    422,
    1,
    "The model has no known price",
    "Give its price per million tokens: `prices` in the project's settings, or FEEDBACK_CHAT_PRICES on the machine that runs it.",
  ),
  engine_missing: row(
    503,
    1,
    "The coding agent is not installed",
    "Install it, or go online once so that it can be fetched.",
  ),
  package_missing: row(503, 1, "A part of feedback-chat is not installed", "Go online once so that it can be fetched."),
  machine_unfit: row(
    503,
    1,
    "This machine lacks something that every run needs",
    "Follow the next step that is named, then start again.",
  ),
  sandbox_unavailable: row(
    503,
    1,
    "The sandbox cannot be built on this machine",
    "Install bubblewrap: `apt-get install bubblewrap`.",
  ),
  sandbox_leaks: row(
    503,
    78,
    "The sandbox does not hold on this machine",
    "Follow the remedy that the self-test names; no job is taken until it passes.",
  ),
  port_in_use: row(409, 6, "The port is in use", "Choose another: `--port`, or PORT for `feedback-chat-server`."),
  data_locked: row(
    409,
    6,
    "Another process uses this data folder",
    "Stop it, or choose another folder: `--data`, or DATA_DIR for `feedback-chat-server`.",
  ),
  disk_full: row(503, 1, "The disk is full", "Make room and run the command again; nothing was lost."),
  run_failed: row(409, 1, "The run failed", "Read its reason with `feedback-chat logs`."),
  run_held: row(409, 8, "The run waits for a person", "Look at the diff, then approve or reject."),
  nothing_to_run: row(404, 5, "There is nothing to run", "Check the issue's number and label."),
} satisfies Record<string, ProblemRow>;

export type ProblemCode = keyof typeof problems;
export const problemCodes = Object.keys(problems) as [ProblemCode, ...ProblemCode[]];

type Extra = {
  /** Replaces the table's next step where the place knows better. */
  next?: string;
  /** Field errors, for `validation_failed`. */
  errors?: { path: string; message: string }[];
  /** Facts for the caller's program, such as `ackedOffset` or `allowed`. */
  facts?: Record<string, unknown>;
  cause?: unknown;
};

/**
 * A failure that somebody can act on. Anything else that is thrown is a bug.
 * @example throw new Problem("port_in_use", "Port 4100 is held by another process.")
 */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly next: string;
  readonly errors: { path: string; message: string }[] | undefined;
  readonly facts: Record<string, unknown>;

  constructor(code: ProblemCode, detail: string, extra: Extra = {}) {
    super(detail, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = "Problem";
    this.code = code;
    this.next = extra.next ?? problems[code].next;
    this.errors = extra.errors;
    this.facts = extra.facts ?? {};
  }
}

/** True for a Problem of any copy of this package; give a code to ask for that one. */
export function isProblem(error: unknown, code?: ProblemCode): error is Problem {
  if (!(error instanceof Error) || error.name !== "Problem" || !("code" in error)) return false;
  return code ? error.code === code : (error.code as string) in problems;
}

/** RFC 9457 problem details, as every error answer of the API carries them. */
export const problemDetails = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
  next: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type ProblemDetails = z.infer<typeof problemDetails>;

/** The wire form of a problem. `facts` stand beside the standard members (RFC 9457, section 3.2). */
export function toProblemDetails(problem: Problem, requestId: string): ProblemDetails {
  const { status, title } = problems[problem.code];
  return {
    ...problem.facts,
    type: `https://feedback.chat/problems/${problem.code.replaceAll("_", "-")}`,
    title,
    status,
    detail: problem.message,
    code: problem.code,
    next: problem.next,
    requestId,
    ...(problem.errors ? { errors: problem.errors } : {}),
  };
}

/** The problem that an answer of the API carried; unknown codes become `unavailable` or `invalid_request`. */
export function fromProblemDetails(details: ProblemDetails): Problem {
  const { type: _type, title: _title, status, detail, code, next, errors, ...facts } = details;
  const known = code in problems ? (code as ProblemCode) : status >= 500 ? "unavailable" : "invalid_request";
  return new Problem(known, detail, { next, facts, ...(errors ? { errors } : {}) });
}

function row(status: number, exitCode: number, title: string, next: string): ProblemRow {
  return { status, exitCode, title, next };
}
