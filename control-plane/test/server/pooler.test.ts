import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProjectAnswer } from "@feedback-chat/protocol/project";
import { setupOwnerAnswer } from "@feedback-chat/protocol/account";
import { afterAll, expect, it } from "vitest";
import { call, owner } from "../support/call-server.ts";
import { createDatabase } from "../support/open-test-database.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { startPooler } from "../support/start-pooler.ts";

const running: ServerProcess[] = [];
afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
});

it("works behind a pooler that shares its sessions: schema, people, projects, and a copy past it", async () => {
  const direct = await createDatabase();
  await using pooler = await startPooler(direct);
  const env = { DATABASE_URL: pooler.url, DATABASE_DIRECT_URL: direct, MASTER_KEY: randomBytes(32).toString("base64") };
  const servers = [startServerProcess(env), startServerProcess(env)];
  running.push(...servers);
  const [a, b] = await Promise.all(servers.map((server) => server.event("server.listening")));
  const [first, second] = [{ url: String(a?.["url"]) }, { url: String(b?.["url"]) }];
  const codes = await Promise.all(servers.map((server) => server.event("owner.code")));
  // Each told one, and the newest counts.
  const tries = await Promise.all(
    codes.map(({ code }) =>
      call(first, "POST", "/api/setup/owner", {
        body: { ...owner, login: "ann", code, wantsCliToken: true, machine: "test" },
      }),
    ),
  );
  const made = tries.find(({ status }) => status === 201);
  expect(tries.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([201, 401]);
  const { cliToken: token, workspaceId } = setupOwnerAnswer.parse(made?.body);

  // Many at once: each connection serves everybody.
  const signIn = (server: { url: string }) =>
    call(server, "POST", "/api/auth/sign-in/email", { body: owner, headers: { origin: server.url } });
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_, n) =>
      n % 6 === 0 ? signIn(n % 12 === 0 ? first : second) : call(n % 2 ? first : second, "GET", "/v1/me", { token }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  const cookie = answers[0]?.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  expect(await call(first, "GET", "/v1/me", { headers: { cookie } })).toMatchObject({ status: 200 });
  const project = await call(second, "POST", "/v1/projects", {
    token,
    body: { name: "Shop", githubRepo: "acme/shop" },
  });
  expect(createProjectAnswer.parse(project.body).project).toMatchObject({ workspaceId });

  const folder = mkdtempSync(join(tmpdir(), "fc-pooler-backup-"));
  const backup = startServerProcess(env, [], ["backup", join(folder, "copy")]);
  expect(await backup.ended).toEqual({ code: 0, said: "" });
  rmSync(folder, { recursive: true });
}, 120_000);
