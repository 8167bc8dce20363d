import { idOf } from "@feedback-chat/protocol/ids";
import { isProblem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { callOutside } from "../platform/call-outside.ts";
import { unpackSealed } from "../platform/pack-sealed.ts";
import { outsideOf } from "./outside.ts";
import { signMessage } from "./sign-message.ts";
import { secretOf } from "./to-endpoint.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "config" | "now" | "log">;
type Due = {
  id: string;
  endpointId: string;
  projectId: string;
  url: string;
  secret: Buffer;
  /** While its grace lasts. */
  previous: Buffer | null;
  body: string;
  attempts: number;
};
type Tried = { isDelivered: boolean; isGone: boolean; status: number | null; error: string | null };

const batchSize = 10;
const lockSeconds = 60;
/** Pauses after each failed try, as the specification proposes: the last one comes three days after the first. */
const pausesSeconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
const keptDays = 30;

/**
 * Sends one batch of due messages side by side, at least once each. What is not taken comes again later; what is
 * never taken stays as dead, to be sent again by a person. An endpoint that says that it is gone (410) is disabled.
 * @returns how many were tried.
 */
export async function deliverMessages(deps: Deps): Promise<number> {
  const batch = await takeDue(deps);
  await Promise.all(batch.map(async (due) => settle(deps, due, await send(deps, due))));
  return batch.length;
}

async function takeDue({ db }: Deps): Promise<Due[]> {
  // As the system: they are of all projects. The lock outlives this statement, so that no other server takes them too.
  const { rows } = await asSystem(db, (tx) =>
    sql<Due>`
      with due as (
        select d.id from fc.endpoint_deliveries d join fc.endpoints e on e.id = d.endpoint_id
        where d.status = 'pending' and d.run_at <= now() and (d.locked_until is null or d.locked_until < now())
          and not e.is_disabled
        order by d.run_at, d.id limit ${batchSize} for update of d skip locked
      )
      update fc.endpoint_deliveries d set attempts = attempts + 1, locked_until = now() + make_interval(secs => ${lockSeconds})
      from due, fc.endpoints e where d.id = due.id and e.id = d.endpoint_id
      returning d.id, d.endpoint_id as "endpointId", d.project_id as "projectId", e.url, e.secret,
        case when e.secret_previous_until > now() then e.secret_previous end as previous, d.body, d.attempts`.execute(
      tx,
    ),
  );
  return rows;
}

async function send(deps: Deps, due: Due): Promise<Tried> {
  const { id, endpointId, projectId, url, body } = due;
  try {
    const sealed = [due.secret, ...(due.previous ? [due.previous] : [])];
    const secrets = sealed.map((one) => deps.sealing.open(unpackSealed(one), secretOf(projectId, endpointId)));
    const headers = {
      "content-type": "application/json",
      "user-agent": "feedback-chat",
      ...signMessage(secrets, { id: idOf("epd", id), sentAt: deps.now(), body }),
    };
    const { status } = await callOutside(outsideOf(deps.config), { url, method: "POST", headers, body });
    const isDelivered = status >= 200 && status < 300;
    const error = isDelivered ? null : `It answered ${status}.`;
    return { isDelivered, isGone: status === 410, status, error };
  } catch (error) {
    if (!isProblem(error)) throw error;
    return { isDelivered: false, isGone: false, status: null, error: error.message };
  }
}

async function settle({ db, log }: Deps, due: Due, { isDelivered, isGone, status, error }: Tried): Promise<void> {
  const { id, endpointId, attempts } = due;
  const pauseSeconds = isGone ? undefined : pausesSeconds[attempts - 1];
  const next = isDelivered ? "delivered" : pauseSeconds === undefined ? "dead" : "pending";
  if (next === "dead")
    log.warn("endpoint.dead", { id: idOf("epd", id), endpointId: idOf("ep", endpointId), reason: error });
  await asSystem(db, (tx) =>
    sql`
      with gone as (
        update fc.endpoints set is_disabled = true, disabled_reason = 'It answered 410: gone.'
        where id = ${endpointId} and ${isGone}
      )
      update fc.endpoint_deliveries set status = ${next}, last_status = ${status}, last_error = ${error}, locked_until = null,
        ended_at = case when ${next === "pending"} then null else now() end,
        run_at = now() + make_interval(secs => ${pauseSeconds ?? 0}) * (0.9 + 0.2 * random())
      where id = ${id}`.execute(tx),
  );
}

export async function forgetMessages({ db }: Pick<Deps, "db">): Promise<void> {
  await asSystem(db, (tx) =>
    sql`delete from fc.endpoint_deliveries where ended_at < now() - make_interval(days => ${keptDays})`.execute(tx),
  );
}
