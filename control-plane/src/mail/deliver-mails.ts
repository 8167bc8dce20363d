import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { unpackSealed } from "../platform/pack-sealed.ts";
import type { Letter, Mailer } from "./open-mailer.ts";
import { linkOf } from "./queue-mail.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "log"> & { mailer: Mailer | null };
type Due = {
  id: string;
  kind: string;
  recipient: string;
  subject: string;
  body: string;
  sealedLink: Buffer | null;
  attempts: number;
  isOver: boolean;
};
type Sent = { isDone: boolean; note: string | null };

const batchSize = 10;
/** The last try comes about half a day after the first. */
const maxAttempts = 16;
const longestPauseSeconds = 3_600;
const lockSeconds = 300;
const keptDays = 30;

/**
 * Sends one batch of due mails, at least once each. What the server does not take now is tried again, each time after
 * twice as long; what it refuses for good is told to the operator.
 * @returns how many were taken.
 */
export async function deliverMails(deps: Deps): Promise<number> {
  const batch = await takeDue(deps);
  for (const due of batch) await settle(deps, due, await send(deps, due));
  return batch.length;
}

async function takeDue({ db }: Deps): Promise<Due[]> {
  const { rows } = await asSystem(db, (tx) =>
    sql<Due>`
      with due as (
        select id from fc.mails where done_at is null and run_at <= now() and (locked_until is null or locked_until < now())
        order by run_at, id limit ${batchSize} for update skip locked
      )
      update fc.mails m set attempts = attempts + 1, locked_until = now() + make_interval(secs => ${lockSeconds})
      from due where m.id = due.id
      returning m.id, kind, recipient, subject, body, sealed_link as "sealedLink", attempts, coalesce(expires_at < now(), false) as "isOver"`.execute(
      tx,
    ),
  );
  return rows;
}

async function send({ sealing, mailer, log }: Deps, due: Due): Promise<Sent> {
  const { id, kind, recipient: to, subject } = due;
  if (due.isOver) return { isDone: true, note: "its link was over before it could be sent" };
  try {
    const link = due.sealedLink === null ? null : sealing.open(unpackSealed(due.sealedLink), linkOf(id));
    const letter: Letter = { id, to, subject, text: due.body.replace("{link}", () => link ?? "") };
    if (mailer && to) await mailer.send(letter);
    else log.info("mail.unsent", { kind, to, subject, link, text: letter.text, reason: "SMTP_URL names no server" });
    return { isDone: true, note: null };
  } catch (error) {
    const note = error instanceof Error ? error.message.slice(0, 500) : String(error);
    const isDone = due.attempts >= maxAttempts || isRefused(error);
    log[isDone ? "error" : "warn"](isDone ? "mail.lost" : "mail.failed", { id, kind, to, reason: note });
    return { isDone, note };
  }
}

/** The server says that this letter will never do; a refused login is the operator's to heal, and may be later. */
function isRefused(error: unknown): boolean {
  const { responseCode, code } = error as { responseCode?: number; code?: string };
  return (code === "EENVELOPE" || code === "EMESSAGE") && (responseCode ?? 0) >= 500;
}

async function settle({ db }: Deps, { id, attempts }: Due, { isDone, note }: Sent): Promise<void> {
  const pauseSeconds = Math.min(longestPauseSeconds, 5 * 2 ** attempts);
  await asSystem(db, (tx) =>
    sql`update fc.mails set locked_until = null, last_error = ${note},
        done_at = case when ${isDone} then now() end, sealed_link = case when ${isDone} then null else sealed_link end,
        run_at = case when ${isDone} then run_at else now() + make_interval(secs => ${pauseSeconds}) end
      where id = ${id}`.execute(tx),
  );
}

/** Longer than any run stands: until then a sent mail keeps the same from being said twice. */
export async function forgetMails({ db }: Pick<Deps, "db">): Promise<void> {
  await asSystem(db, (tx) =>
    sql`delete from fc.mails where done_at < now() - make_interval(days => ${keptDays})`.execute(tx),
  );
}
