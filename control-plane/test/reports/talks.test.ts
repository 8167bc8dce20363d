import { idOf, uuidOf } from "@feedback-chat/protocol/ids";
import { feedbackAnswer, reporterData } from "@feedback-chat/protocol/report";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { asProject, asSystem, asWorkspace } from "../../src/platform/as-tenant.ts";
import { forgetOld } from "../../src/retention/forget-old.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedProject } from "../support/seed.ts";

const at = "2026-11-20T08:00:00Z";
const said = (...texts: string[]) =>
  texts.map((text, nth) => ({ role: nth % 2 === 0 ? "reporter" : "assistant", text, at }));
const talkOf = (clientId: string, ...texts: string[]) => ({ clientId, messages: said(...texts) });

/** A project that keeps talks, or does not, and whoever reports to it. */
async function openProject(platform: TestPlatform, storeTalks: boolean) {
  const { db } = platform.deps;
  const { token, workspaceId } = await platform.person("admin");
  const projectId = await seedProject(db, { workspaceId, settings: storeTalks ? { storeTalks } : {} });
  const path = `/v1/projects/${idOf("prj", projectId)}`;
  const { key } = await seedKey(db, { kind: "project", workspaceId, projectId, scopes: ["feedback:write"] });
  const tell = (body: object) =>
    platform.call("POST", `${path}/feedback`, { token: key, body: { publicText: "It is broken.", ...body } });
  const report = async (body: object) => feedbackAnswer.parse((await tell(body)).body);
  const ask = (method: string, rest: string, body?: object) =>
    platform.call(method, path + rest, { token, ...(body ? { body } : {}) });
  const kept = async () => {
    const { rows } = await asProject(db, projectId, (tx) =>
      sql<{ text: string }>`select m.text from fc.messages m join fc.conversations c on c.id = m.conversation_id
        where c.project_id = ${projectId} order by c.id, m.seq`.execute(tx),
    ); // prettier-ignore
    return rows.map(({ text }) => text);
  };
  return { workspaceId, projectId, path, tell, report, ask, kept };
}

describe.each(kinds)("talks on the %s database", (kind) => {
  it("are dropped where nobody asked for them, and the answer says so", async () => {
    await using platform = await openTestPlatform({ kind });
    const project = await openProject(platform, false);
    expect(await project.report({ clientId: "a" })).toMatchObject({ conversation: null });
    const dropped = await project.report({ clientId: "b", conversation: talkOf("t", "hello") });
    expect(dropped).toMatchObject({ conversation: "dropped" });
    expect(await project.kept()).toEqual([]);
    await project.ask("PATCH", "", { settings: { storeTalks: true } });
    const stored = await project.report({ clientId: "b", conversation: talkOf("t", "hello") });
    expect(stored).toMatchObject({ feedbackId: dropped.feedbackId, conversation: "stored" });
    expect(await project.kept()).toEqual(["hello"]);
  });

  it("are kept as they were told last, once however many reports they are behind, each project's its own", async () => {
    await using platform = await openTestPlatform({ kind });
    const [project, other] = [await openProject(platform, true), await openProject(platform, true)];
    await project.report({ clientId: "a", conversation: talkOf("t", "hi", "what is it?", "the cart") });
    await other.report({ clientId: "a", conversation: talkOf("t", "of the other") });
    await Promise.all(
      ["a", "b"].map((clientId) => project.report({ clientId, conversation: talkOf("t", "hi", "yes?") })),
    );
    expect(await project.kept()).toEqual(["hi", "yes?"]);
    expect(await other.kept()).toEqual(["of the other"]);
    const linked = await asProject(platform.deps.db, project.projectId, (tx) =>
      sql`select conversation_id from fc.feedback where conversation_id is not null`.execute(tx),
    );
    expect(linked.rows).toHaveLength(2);
    const exported = (await project.ask("GET", "/export")).text.split("\n");
    expect(exported.filter((line) => line.startsWith('{"type":"messages"'))).toHaveLength(2);
    expect(exported.filter((line) => line.startsWith('{"type":"conversations"'))).toHaveLength(1);
    const { rows: foreign } = await asWorkspace(platform.deps.db, other.workspaceId, (tx) =>
      sql<{ text: string }>`select text from fc.messages`.execute(tx),
    );
    expect(foreign.map(({ text }) => text)).toEqual(["of the other"]);
  });

  it("are shown and erased with their reporter, and nobody else's", async () => {
    await using platform = await openTestPlatform({ kind });
    const project = await openProject(platform, true);
    const [ann, bob] = [{ id: "ann" }, { id: "bob" }];
    const first = await project.report({ clientId: "a", reporter: ann, conversation: talkOf("t1", "I am Ann") });
    await project.report({ clientId: "b", reporter: ann, conversation: talkOf("t2", "Ann again", "hello Ann") });
    await project.report({ clientId: "c", reporter: bob, conversation: talkOf("t3", "I am Bob") });
    // Its report was joined to another talk since; the talk is still hers.
    await project.report({ clientId: "a", reporter: ann, conversation: talkOf("t4", "Ann elsewhere") });
    const ofAnn = `/feedback/${first.feedbackId}/reporter`;
    const { reports } = reporterData.parse((await project.ask("GET", ofAnn)).body);
    expect(reports.map(({ talk }) => talk)).toEqual([
      [{ role: "reporter", text: "Ann elsewhere", at }],
      [{ role: "reporter", text: "Ann again", at }, { role: "assistant", text: "hello Ann", at }],
    ]); // prettier-ignore
    for (const { status } of [await project.ask("DELETE", ofAnn), await project.ask("DELETE", ofAnn)])
      expect(status).toBe(204);
    expect(await project.kept()).toEqual(["I am Bob"]);
  });

  it("go after their project's days, counted from when they were last told, and with the project", async () => {
    await using platform = await openTestPlatform({ kind });
    const project = await openProject(platform, true);
    const { db } = platform.deps;
    expect((await project.ask("PATCH", "", { talkDays: 10 })).body).toMatchObject({ talkDays: 10 });
    for (const [clientId, text] of [
      ["old", "of long ago"],
      ["new", "of now"],
    ])
      // prettier-ignore
      await project.report({ clientId, conversation: talkOf(clientId ?? "", text ?? "") });
    await asSystem(db, (tx) =>
      sql`update fc.conversations set created_at = now() - interval '30 days',
        updated_at = now() - make_interval(days => case client_id when 'old' then 11 else 9 end)`.execute(tx),
    );
    await forgetOld(platform.deps, new AbortController().signal);
    expect(await project.kept()).toEqual(["of now"]);
    await asSystem(db, (tx) => sql`update fc.projects set deleted_at = now(), purge_at = now()`.execute(tx));
    await forgetOld(platform.deps, new AbortController().signal);
    const { rows } = await asSystem(db, (tx) => sql`select from fc.messages`.execute(tx));
    expect(rows).toEqual([]);
  });
});

it("are bounded, of known roles, and of a time that somebody lived in", async () => {
  await using platform = await openTestPlatform();
  const project = await openProject(platform, true);
  const wrong = [
    { clientId: "t", messages: [] },
    { clientId: "t", messages: said(...Array.from({ length: 201 }, () => "x")) },
    { clientId: "t", messages: said("x".repeat(4_001)) },
    { clientId: "t", messages: [{ role: "system", text: "obey", at }] },
    { clientId: "t", messages: [{ role: "reporter", text: "x", at: "0000-01-01T00:00:00Z" }] },
    { messages: said("x") },
  ];
  for (const conversation of wrong)
    expect((await project.tell({ clientId: "a", conversation })).body).toMatchObject({ code: "validation_failed" });
  expect(uuidOf("fb", (await project.report({ clientId: "a" })).feedbackId)).toBeTruthy();
  expect(await project.kept()).toEqual([]);
});
