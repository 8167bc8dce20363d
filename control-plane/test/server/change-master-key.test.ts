import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { idOf, uuidOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { tokenFor } from "../../src/credentials/token-for.ts";
import { asSystem } from "../../src/platform/as-tenant.ts";
import { makeHealth } from "../../src/health/make-health.ts";
import { openSealing } from "../../src/platform/open-sealing.ts";
import { webhookSecretsOf } from "../../src/projects/webhook-secrets.ts";
import { rewrapSecrets } from "../../src/vault/rewrap-secrets.ts";
import { kinds } from "../support/open-test-database.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";

const newKey = () => randomBytes(32).toString("base64");
const never = new AbortController().signal;

type Made = { id: string; secret: string; token: string; key: string };

/** A project with a webhook secret, a credential and an answer that is kept for repeats. */
async function makeProject(
  platform: TestPlatform,
  owner: { token: string; workspaceId: string },
  name: string,
): Promise<Made> {
  const body = { workspaceId: idOf("ws", owner.workspaceId), name, githubRepo: `acme/${name}` };
  const { token } = owner;
  const headers = { "idempotency-key": `make-${name}` };
  const made = await platform.call("POST", "/v1/projects", { token, body, headers });
  const { project, webhook } = made.body as { project: { id: string }; webhook: { secret: string } };
  const value = `sk-ant-${name}-0123456789`;
  await platform.call("POST", `/v1/projects/${project.id}/credentials`, {
    token,
    body: { type: "anthropic_api_key", value },
  });
  return { id: project.id, secret: webhook.secret, token: value, key: headers["idempotency-key"] };
}

async function read(platform: TestPlatform, sealing: TestPlatform["deps"]["sealing"], made: Made) {
  const { db } = platform.deps;
  const { rows } = await asSystem(db, (tx) =>
    sql<{ id: string; secret: Buffer; previousSecret: null }>`
      select id, webhook_secret as secret, null as "previousSecret" from fc.projects where name = ${made.key.slice(5)}`.execute(
      tx,
    ),
  );
  const row = rows[0];
  if (!row) throw new Error("no such project");
  const credential = await tokenFor({ ...platform.deps, sealing }, row.id, "model");
  return { secret: webhookSecretsOf({ sealing }, row)[0], token: credential?.value };
}

describe.each(kinds)("case 26: the master key is changed under load, on %s", (kind) => {
  it("so that all is readable after a kill and a second try, and the old key is needed no more", async () => {
    const [before, after] = [newKey(), newKey()];
    await using platform = await openTestPlatform({ kind, env: { MASTER_KEY: before } });
    const { db, log } = platform.deps;
    const owner = await platform.person("owner");
    const made = [];
    for (let count = 0; count < 12; count += 1) made.push(await makeProject(platform, owner, `shop-${count}`));
    const both = (await openSealing({ db }, { masterKey: after, previousMasterKey: before, dataFolder: undefined }))
      .sealing;
    expect(both.isReady).toBe(true);
    // Without the old key a start finds the vault shut as long as one secret needs it.
    const onlyNew = () =>
      openSealing({ db }, { masterKey: after, dataFolder: undefined }).then(({ sealing }) => sealing);
    expect((await onlyNew()).isReady).toBe(false);

    // Stopped before it has begun: nothing is half done. Meanwhile a replica with the old key alone goes on sealing.
    const stopped = new AbortController();
    stopped.abort();
    await rewrapSecrets({ db, log, sealing: both }, stopped.signal);
    const work = Promise.all([
      rewrapSecrets({ db, log, sealing: both }, never),
      rewrapSecrets({ db, log, sealing: both }, never),
      makeProject(platform, owner, "meanwhile"),
    ]);
    made.push((await work)[2]);
    for (const one of made) expect(await read(platform, both, one)).toEqual({ secret: one.secret, token: one.token });

    // Again, as at the next start: what the old replica sealed follows, and then the canary.
    await rewrapSecrets({ db, log, sealing: both }, never);
    const sealing = await onlyNew();
    expect(sealing.isReady).toBe(true);
    for (const one of made)
      expect(await read(platform, sealing, one)).toEqual({ secret: one.secret, token: one.token });
    const answers = await asSystem(db, (tx) =>
      sql<{ principal: string; route: string; key: string; sealed: string }>`
        select principal, route, key, answer ->> 'sealed' as sealed from fc.idempotency_keys where answer ? 'sealed'`.execute(
        tx,
      ),
    );
    expect(answers.rows).toHaveLength(13);
    const old = (await openSealing({ db }, { masterKey: before, dataFolder: undefined })).sealing;
    expect(old.isReady).toBe(false);
  });

  it("goes on past a row that no key opens, names it, and says so in healthz until the row is gone", async () => {
    const [before, after] = [newKey(), newKey()];
    await using platform = await openTestPlatform({ kind, env: { MASTER_KEY: before } });
    const { db, log } = platform.deps;
    const owner = await platform.person("owner");
    const [spoiled, fine] = [await makeProject(platform, owner, "spoiled"), await makeProject(platform, owner, "fine")];
    await asSystem(db, async (tx) => {
      await sql`update fc.credentials c set wrapped_dek = '\\x00' from fc.projects p
        where p.id = c.project_id and p.name = 'spoiled'`.execute(tx);
      await sql`update fc.projects set webhook_secret = '\\x01ff' where name = 'spoiled'`.execute(tx);
    });
    const open = (keys: { masterKey: string; previousMasterKey?: string }) =>
      openSealing({ db }, { ...keys, dataFolder: undefined }).then(({ sealing }) => sealing);
    const both = await open({ masterKey: after, previousMasterKey: before });
    const unreadable = await rewrapSecrets({ db, log, sealing: both }, never);
    expect(unreadable.map((name) => name.replace(/ .*/s, "")).toSorted()).toEqual(["credentials", "webhook_secret"]);
    const sealing = await open({ masterKey: after });
    expect(sealing.isReady, "the old key is needed no more").toBe(true);
    expect(await read(platform, sealing, fine)).toEqual({ secret: fine.secret, token: fine.token });
    const health = makeHealth({ ...platform.deps, sealing, vault: { unreadable }, monotonicMs: () => 0 });
    expect((await health()).deps.masterKey).toBe(false);
    await asSystem(db, (tx) => sql`delete from fc.projects where id = ${uuidOf("prj", spoiled.id)}`.execute(tx));
    expect(await rewrapSecrets({ db, log, sealing }, never)).toEqual([]);
  });
});

it("knows every place of the source that seals something: a change of the master key must reach it", () => {
  const source = join(import.meta.dirname, "../../src");
  const sealing = readdirSync(source, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .filter((path) => /\bsealing\.seal\(/.test(readFileSync(join(source, path), "utf8")));
  expect(sealing.sort()).toEqual([
    "credentials/set-credential.ts",
    "endpoints/create-endpoint.ts",
    "endpoints/rotate-endpoint-secret.ts",
    "github-app/app-secrets.ts",
    "mail/queue-mail.ts",
    "platform/idempotency.ts",
    "platform/open-sealing.ts",
    "projects/webhook-secrets.ts",
    "reports/tell-reporters.ts",
  ]);
});
