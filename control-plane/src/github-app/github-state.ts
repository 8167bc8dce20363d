import { createHash, randomBytes } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import type { BrowserSession } from "./browser-session.ts";

type Deps = { db: Db };
/** Null: the App itself is being made. */
type About = { projectId: string | null };

/** For so long GitHub keeps a manifest's code. */
const lastsMinutes = 60;

/** A new secret for the way through GitHub's pages and back. As the system: it is a person's, not a project's. */
export async function makeState({ db }: Deps, session: BrowserSession, { projectId }: About): Promise<string> {
  const state = randomBytes(32).toString("hex");
  await asSystem(db, (tx) =>
    sql`with gone as (delete from fc.github_states where expires_at < now())
      insert into fc.github_states (hash, session_hash, user_id, project_id, expires_at)
      values (${hashOf(state)}, ${session.sessionHash}, ${session.userId}, ${projectId},
        now() + make_interval(mins => ${lastsMinutes}))`.execute(tx),
  );
  return state;
}

/** What a state is about, which goes on being valid. @throws Problem forbidden */
export async function checkState({ db }: Deps, session: BrowserSession, state: string): Promise<About> {
  const { rows } = await asSystem(db, (tx) =>
    sql<About>`select project_id as "projectId" from fc.github_states where ${isMine(session, state)}`.execute(tx),
  );
  return rows[0] ?? refuse();
}

/** Of two at once one gets it; a second time it is over. @throws Problem forbidden */
export async function takeState({ db }: Deps, session: BrowserSession, state: string): Promise<About> {
  const { rows } = await asSystem(db, (tx) =>
    sql<About>`delete from fc.github_states where ${isMine(session, state)} returning project_id as "projectId"`.execute(
      tx,
    ),
  );
  return rows[0] ?? refuse();
}

const hashOf = (state: string) => createHash("sha256").update(state).digest();

const isMine = ({ userId, sessionHash }: BrowserSession, state: string) =>
  sql`hash = ${hashOf(state)} and user_id = ${userId} and session_hash = ${sessionHash} and expires_at > now()`;

function refuse(): never {
  throw new Problem("forbidden", "This way back from GitHub is not yours, was used, or is over.", {
    next: "Begin again on the page of this server, in the same browser.",
  });
}
