import { idOf, uuidOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedProject, seedRun } from "../support/seed.ts";

const scopes = ["feedback:write"];

describe.each(kinds)("one reporter's data, on %s", (kind) => {
  it("is shown whole, and erased whole, and nobody else's", async () => {
    await using platform = await openTestPlatform({ kind });
    const { db, newId } = platform.deps;
    const me = await platform.person("admin");
    const projectId = await seedProject(db, { workspaceId: me.workspaceId });
    const { runId, issueNumber } = await seedRun(db, { projectId });
    const { key } = await seedKey(db, { kind: "project", workspaceId: me.workspaceId, projectId, scopes });
    const path = `/v1/projects/${idOf("prj", projectId)}/feedback`;
    const report = async (clientId: string, privateText: string, who: string) => {
      const reporter = { id: who, email: `${who}@example.com` };
      const body = { clientId, publicText: `${clientId} is broken`, privateText, reporter, issueNumber };
      return (await platform.call("POST", path, { token: key, body })).body as { feedbackId: string; reporterToken: string }; // prettier-ignore
    };
    const first = await report("cart", "I live in Zandvoort", "ann");
    const second = await report("menu", "my cat walked over it", "ann");
    const others = await report("footer", "bob here", "bob");
    const actor = { kind: "reporter", id: uuidOf("fb", second.feedbackId) };
    await asSystem(db, async (tx) => {
      await sql`insert into fc.run_actions (id, run_id, project_id, action, comment, actor)
        values (${newId()}, ${runId}, ${projectId}, 'answer', 'the blue one', ${JSON.stringify(actor)}::jsonb)`.execute(tx); // prettier-ignore
      await sql`update fc.pipeline_runs set answer = 'the blue one' where id = ${runId}`.execute(tx);
      await sql`update fc.feedback set reopened_words = '{says Ann}', reopened_at = now() where id = ${actor.id}`.execute(
        tx,
      );
      await sql`insert into fc.mails (id, kind, recipient, once, subject, body)
        values (${newId()}, 'report', 'ann@example.com', ${`x:failed:${actor.id}`}, 's', 'b')`.execute(tx);
    });
    const { token } = me;
    const ofAnn = `${path}/${first.feedbackId}/reporter`;
    const shown = (await platform.call("GET", ofAnn, { token })).body as { reports: object[] };
    expect(shown.reports).toMatchObject([
      { feedbackId: first.feedbackId, privateText: "I live in Zandvoort", email: "ann@example.com", said: [] },
      {
        feedbackId: second.feedbackId,
        said: [
          { action: "answer", comment: "the blue one" },
          { action: "reopen", comment: "says Ann" },
        ],
      },
    ]);
    expect(JSON.stringify(shown)).not.toContain("bob");

    const left = async () => {
      const { rows } = await asSystem(db, (tx) =>
        sql<{ text: string }>`
          select jsonb_build_array((select jsonb_agg(to_jsonb(f)) from fc.feedback f), (select jsonb_agg(to_jsonb(a)) from fc.run_actions a),
            (select jsonb_agg(to_jsonb(r)) from fc.pipeline_runs r), (select jsonb_agg(to_jsonb(m)) from fc.mails m),
            (select jsonb_agg(to_jsonb(l)) from fc.audit_logs l))::text as text`.execute(tx),
      ); // prettier-ignore
      return rows[0]?.text ?? "";
    };
    // Two at once, and again: each says done. The run is not over: it keeps the words that it works by.
    const erase = () => platform.call("DELETE", ofAnn, { token });
    for (const { status } of await Promise.all([erase(), erase()])) expect(status).toBe(204);
    const meanwhile = await left();
    for (const gone of ["Zandvoort", "my cat", "says Ann", "ann@example.com"]) expect(meanwhile).not.toContain(gone);
    expect(meanwhile).toContain("the blue one");
    expect(meanwhile).toContain("bob here");
    expect(meanwhile).toContain("cart is broken"); // as on GitHub
    for (const { feedbackId, reporterToken } of [first, second])
      expect((await platform.call("GET", `/v1/reports/${feedbackId}`, { token: reporterToken })).status).toBe(401);
    const bob = await platform.call("GET", `/v1/reports/${others.feedbackId}`, { token: others.reporterToken });
    expect(bob.status).toBe(200);

    // Once the run is over, the words go too: the report still names its answers.
    await asSystem(db, async (tx) => {
      await sql`update fc.pipeline_runs set stage = 'failed', result = 'failed', completed_at = now() where id = ${runId}`.execute(tx); // prettier-ignore
    });
    const again = `${path}/${second.feedbackId}/reporter`;
    expect((await platform.call("DELETE", again, { token })).status).toBe(204);
    expect(await left()).not.toContain("the blue one");
    const { rows: audited } = await asSystem(db, (tx) =>
      sql<{ action: string; target: string }>`select action, target from fc.audit_logs where action like 'reporter.%' order by id`.execute(tx),
    ); // prettier-ignore
    expect(audited.map(({ action }) => action)).toEqual(["reporter.exported", "reporter.erased", "reporter.erased", "reporter.erased"]); // prettier-ignore
    const member = await platform.person("member", me.workspaceId);
    expect((await platform.call("DELETE", ofAnn, { token: member.token })).status).toBe(403);
  });
});
