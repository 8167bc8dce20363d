import { Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import type { Config } from "../config.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Asked, Authentication } from "../platform/authenticate.ts";
import type { Caller } from "../platform/caller.ts";
import type { Db } from "../platform/database.ts";
import { takeTurn } from "../platform/take-turn.ts";
import { hashReporterToken, isReporterToken } from "./reporter-token.ts";

type Deps = { db: Db; config: Pick<Config, "limits"> };
type Row = { feedbackId: string; projectId: string; workspaceId: string };

/** Knows reporters by the token of their private link; everybody else is asked for as before. */
export function withReporters(deps: Deps, others: Authentication): Authentication {
  return {
    async callerOf(request, asked) {
      const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
      const isOpen = [asked.who].flat().some((who) => who === "anyone" || who === "github");
      return isOpen || !isReporterToken(bearer)
        ? others.callerOf(request, asked)
        : { caller: await byToken(deps, bearer, asked) };
    },
  };
}

async function byToken({ db, config }: Deps, token: string, { address, isRecheck }: Asked): Promise<Caller> {
  // As the system: whose report it is, is what the token says.
  const { rows } = await asSystem(db, (tx) =>
    sql<Row>`
      select t.feedback_id as "feedbackId", p.id as "projectId", p.workspace_id as "workspaceId"
      from fc.reporter_tokens t join fc.projects p on p.id = t.project_id
      where t.token_hash = ${hashReporterToken(token)} and p.deleted_at is null`.execute(tx),
  );
  const row = rows[0];
  const bucket = row ? `reporter:${row.feedbackId}` : `address:${address}`;
  if (!isRecheck) await takeTurn(db, bucket, config.limits.strangersPerMinute);
  if (!row) throw new Problem("unauthenticated", "This link is not valid.");
  return { kind: "reporter", ...row };
}
