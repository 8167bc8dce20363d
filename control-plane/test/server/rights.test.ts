import { type IdPrefix, idOf } from "@feedback-chat/protocol/ids";
import { v7 as newId } from "uuid";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { routes } from "../../src/app.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import type { TenantOf } from "../../src/platform/route.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedKey, seedProject, seedRun } from "../support/seed.ts";

const prefixes: Record<TenantOf, IdPrefix> = {
  project: "prj", workspace: "ws", run: "run", job: "job", key: "key", credential: "crd", worker: "wrk", feedback: "fb",
  webhook_event: "whe",
}; // prettier-ignore
/** Rows of the table that name a thing and let somebody in by role, key or worker key. */
const tenantRoutes = routes.filter(
  ({ of, who }) => of && ![who].flat().some((one) => one === "anyone" || one === "github"),
);

/** One of each kind, all of one workspace. */
async function seedAll(platform: TestPlatform, workspaceId: string): Promise<Record<TenantOf, string>> {
  const { db } = platform.deps;
  const project = await seedProject(db, { workspaceId });
  const { runId: run, jobId: job } = await seedRun(db, { projectId: project });
  const { keyId: key } = await seedKey(db, { kind: "worker", workspaceId });
  const [credential, worker, feedback, webhookEvent] = [newId(), newId(), newId(), newId()];
  await asSystem(db, async (tx) => {
    await sql`insert into fc.credentials (id, project_id, type, encrypted_value, wrapped_dek, kek_id, last4)
      values (${credential}, ${project}, 'github_token', '', '', '', '')`.execute(tx);
    await sql`insert into fc.workers (id, workspace_id, name, version, capabilities, public_key, concurrency)
      values (${worker}, ${workspaceId}, 'w', '0.1.0', '{}', '', 1)`.execute(tx);
    await sql`insert into fc.feedback (id, project_id, channel, public_text) values (${feedback}, ${project}, 'api', 'x')`.execute(
      tx,
    );
    await sql`insert into fc.webhook_events (id, project_id, guid, event, body_sha256, status)
      values (${webhookEvent}, ${project}, ${webhookEvent}, 'issues', '', 'handled')`.execute(tx);
  });
  return { project, workspace: workspaceId, run, job, key, credential, worker, feedback, webhook_event: webhookEvent };
}

function pathOf(spec: (typeof routes)[number], ids: Record<TenantOf, string>): string {
  return spec.path.replace(/:(\w+)/g, (_, name: string) => {
    const kind = spec.of?.[name];
    return kind ? idOf(prefixes[kind], ids[kind]) : "diff.patch";
  });
}

const everyId = (make: () => string) =>
  Object.fromEntries(Object.keys(prefixes).map((kind) => [kind, make()])) as Record<TenantOf, string>;

describe.each(kinds)("rights on the %s database, from the table of routes", (kind) => {
  it("case 21: answer for every foreign id with the bytes of an id that never was", async () => {
    await using platform = await openTestPlatform({ kind });
    const mine = await platform.person("owner");
    const theirs = await platform.person("owner");
    const foreign = await seedAll(platform, theirs.workspaceId);
    const own = await seedAll(platform, mine.workspaceId);
    const { key: workerKey } = await mintKey(platform, mine, "worker");
    const { key: projectKey } = await mintKey(platform, mine, "project", own.project);
    const never = everyId(newId);
    expect(tenantRoutes.length).toBeGreaterThan(20);
    for (const spec of tenantRoutes)
      for (const token of [mine.token, workerKey, projectKey]) {
        const headers = { lease: `1.${newId()}` };
        const ask = (ids: Record<TenantOf, string>) =>
          platform.call(spec.method.toUpperCase(), pathOf(spec, ids), {
            token,
            headers,
            ...(spec.body ? { body: {} } : {}),
          });
        const [there, nowhere] = [await ask(foreign), await ask(never)];
        const name = `${spec.method} ${spec.path} with ${token.slice(0, 4)}`;
        expect({ name, status: there.status }).toEqual({ name, status: 404 });
        expect({ name, text: withoutId(there.text) }).toEqual({
          name,
          text: withoutId(nowhere.text),
        });
      }
  }, 120_000);

  it("case 22: let nobody in without a key, and no role below the named one", async () => {
    await using platform = await openTestPlatform({ kind });
    const owner = await platform.person("owner");
    const ids = await seedAll(platform, owner.workspaceId);
    const roles = ["viewer", "member", "admin", "owner"] as const;
    const people = await Promise.all(roles.map((role) => platform.person(role, owner.workspaceId)));
    for (const spec of tenantRoutes) {
      const method = spec.method.toUpperCase();
      const path = pathOf(spec, ids);
      expect((await platform.call(method, path)).status, `${method} ${path} by nobody`).toBe(401);
      const least = roles.findIndex((role) => [spec.who].flat().includes(role));
      for (const [rank, person] of people.entries()) {
        if (least >= 0 && rank >= least) continue;
        const { status } = await platform.call(method, path, {
          token: person.token,
          ...(spec.body ? { body: {} } : {}),
        });
        expect(status, `${method} ${path} by ${roles[rank]}`).toBe(403);
      }
    }
  }, 120_000);

  it("case 22: let in no caller of another kind, and no key without the scope that is named", async () => {
    await using platform = await openTestPlatform({ kind });
    const owner = await platform.person("owner");
    const ids = await seedAll(platform, owner.workspaceId);
    const { workspaceId } = owner;
    const projectKey = async (scopes: string[]) =>
      (await seedKey(platform.deps.db, { kind: "project", workspaceId, projectId: ids.project, scopes })).key;
    const { key: workerKey } = await seedKey(platform.deps.db, { kind: "worker", workspaceId });
    const scopes = ["status:read", "runs:read", "feedback:write", "runs:act"];
    const closed = routes.filter(({ who }) => ![who].flat().some((one) => ["anyone", "github"].includes(one)));
    expect(closed.length).toBeGreaterThan(80);
    for (const spec of closed) {
      const who = [spec.who].flat();
      const isPersons = who.some((one) => ["user", "operator", "viewer", "member", "admin", "owner"].includes(one));
      const others = scopes.filter((scope) => !who.includes(`key:${scope}` as never));
      const wrong = [
        ["a key with every other scope", await projectKey(others)],
        ...(who.includes("worker") || who.includes("lease") ? [] : [["a worker key", workerKey]]),
        ...(isPersons ? [] : [["a person", owner.token]]),
      ];
      for (const [name, token] of wrong) {
        const call = { token, headers: { lease: `1.${newId()}` }, ...(spec.body ? { body: {} } : {}) };
        const { status } = await platform.call(spec.method.toUpperCase(), pathOf(spec, ids), call);
        // What is not of its own project is nowhere for a project's key.
        const isElsewhere = name?.startsWith("a key") && !pathOf(spec, ids).includes(idOf("prj", ids.project));
        const closedWith = isElsewhere ? [401, 403, 404] : [401, 403];
        expect(closedWith, `${spec.method} ${spec.path} by ${name}: ${status}`).toContain(status);
      }
    }
  }, 120_000);
});

async function mintKey(
  platform: TestPlatform,
  { token, workspaceId }: { token: string; workspaceId: string },
  kind: "worker" | "project",
  project = "",
) {
  const path =
    kind === "worker"
      ? `/v1/workspaces/${idOf("ws", workspaceId)}/worker-keys`
      : `/v1/projects/${idOf("prj", project)}/keys`;
  const { body } = await platform.call("POST", path, { token, body: { name: "k" } });
  return { key: String(body["key"]) };
}

const withoutId = (text: string) => text.replace(/"requestId":"[^"]*"/, "");
