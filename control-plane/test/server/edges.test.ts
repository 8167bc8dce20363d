import { idOf } from "@feedback-chat/protocol/ids";
import { sql } from "kysely";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config.ts";
import { asProject, asSystem } from "../../src/platform/as-tenant.ts";
import { openTestPlatform, type TestPlatform } from "../support/open-test-platform.ts";
import { seedProject, seedRun } from "../support/seed.ts";
import { ann, signInOwner } from "../support/sign-in.ts";

it("case 24: refuses a key in an address whatever is asked for, pages and paths that do not exist among it", async () => {
  await using platform = await openTestPlatform();
  const { token } = await platform.person("owner");
  const asked = [
    ["GET", "/?k="], ["GET", "/login?next="], ["GET", "/api/nothing?k="], ["GET", "/api/"], ["GET", "/metrics?token="],
    ["POST", "/api/auth/sign-in/email?k="], ["POST", "/api/auth/sign-in/magic-link?k="], ["GET", "/api/auth/callback/github?code="],
    ["GET", "/v1/projects?cursor="], ["GET", "/api/healthz?"], ["POST", "/api/webhook/"],
  ] as const; // prettier-ignore
  for (const [method, path] of asked)
    for (const secret of [token, encodeURIComponent(token).replace("_", "%5F")]) {
      const answer = await platform.call(method, `${path}${secret}`);
      expect(answer, `${method} ${path}`).toMatchObject({ status: 400, body: { code: "credential_in_url" } });
      expect(answer.headers.get("content-security-policy"), path).toContain("default-src 'none'");
    }
});

it("shows what an agent wrote under its own, stricter policy", async () => {
  await using platform = await openTestPlatform();
  const { db, newId } = platform.deps;
  const { token, workspaceId } = await platform.person("viewer");
  const projectId = await seedProject(db, { workspaceId });
  const { runId } = await seedRun(db, { projectId });
  await asProject(db, projectId, (tx) =>
    sql`insert into fc.artifacts (id, run_id, project_id, name, sha256, size_bytes, content)
      values (${newId()}, ${runId}, ${projectId}, 'diff.patch', sha256('<script>'), 8, '<script>')`.execute(tx),
  );
  const answer = await platform.call("GET", `/v1/runs/${idOf("run", runId)}/artifacts/diff.patch`, { token });
  expect(answer.text).toBe("<script>");
  expect(answer.headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
  const page = await platform.call("GET", "/");
  expect(page.headers.get("content-security-policy")).toContain("script-src 'self'");
});

describe("where a request comes from", () => {
  /** The address that a command line's login shows to whoever decides. */
  async function senderOf(platform: TestPlatform, from: string, forwarded?: string): Promise<string | undefined> {
    const headers = forwarded === undefined ? {} : { "x-forwarded-for": forwarded };
    await platform.call("POST", "/api/auth/device/code", { body: { machine: "laptop" }, from, headers });
    const { rows } = await asSystem(platform.deps.db, (tx) =>
      sql<{ address: string }>`delete from fc.device_codes returning address`.execute(tx),
    );
    return rows[0]?.address;
  }

  it("is told by the connection alone where no proxy is trusted", async () => {
    await using platform = await openTestPlatform();
    expect(await senderOf(platform, "127.0.0.1", "203.0.113.9")).toBe("127.0.0.1");
    expect(await senderOf(platform, "::ffff:203.0.113.7")).toBe("203.0.113.7");
  });

  it("is the last address that no trusted proxy has; what stands left of it is hearsay", async () => {
    await using platform = await openTestPlatform({ env: { TRUSTED_PROXIES: "loopback, 10.0.0.0/8,2001:db8::/32" } });
    const cases: [from: string, forwarded: string | undefined, sender: string][] = [
      ["127.0.0.1", "203.0.113.9", "203.0.113.9"],
      ["::1", "203.0.113.9", "203.0.113.9"],
      ["::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"],
      ["127.0.0.1", "6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"],
      ["2001:db8::5", "2001:4860::8", "2001:4860::8"],
      ["127.0.0.1", "203.0.113.9:4711", "203.0.113.9"],
      ["127.0.0.1", "[2001:4860::8]:4711", "2001:4860::8"],
      ["127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"],
      // An untrusted peer says what it likes.
      ["198.51.100.4", "203.0.113.9", "198.51.100.4"],
      ["198.51.100.4", "127.0.0.1", "198.51.100.4"],
      // Nothing, or nonsense: the last that is known.
      ["127.0.0.1", undefined, "127.0.0.1"],
      ["127.0.0.1", "unknown", "127.0.0.1"],
      ["127.0.0.1", "203.0.113.9, <b>, 10.1.2.3", "10.1.2.3"],
      ["127.0.0.1", "10.1.2.3, 10.1.2.4", "10.1.2.3"],
    ];
    for (const [from, forwarded, sender] of cases)
      expect(await senderOf(platform, from, forwarded), `${from} <- ${forwarded}`).toBe(sender);
  });

  it("is what limits of strangers and sessions go by, whatever a visitor writes into the header", async () => {
    await using platform = await openTestPlatform({ env: { TRUSTED_PROXIES: "loopback", LIMIT_STRANGERS: "5" } });
    const visit = async (forwarded: string, from = "127.0.0.1") => {
      const headers = { "x-forwarded-for": forwarded, "x-feedback-chat-address": forwarded };
      return (await platform.call("GET", "/v1/me", { from, headers })).status;
    };
    const visits = async (count: number, ask: (n: number) => Promise<number>) => {
      const statuses: number[] = [];
      while (statuses.length < count) statuses.push(await ask(statuses.length));
      return statuses;
    };
    expect(await visits(7, () => visit("203.0.113.1"))).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(await visit("203.0.113.2")).toBe(401); // another visitor behind the same proxy
    expect(await visits(7, (n) => visit(`6.6.6.${n}, 203.0.113.3`))).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect(await visits(7, (n) => visit(`6.6.7.${n}`, "198.51.100.4"))).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const headers = await signInOwner(platform);
    await platform.call("POST", "/api/auth/sign-in/email", {
      body: ann, from: "127.0.0.1", headers: { ...headers, "x-forwarded-for": "6.6.6.6, 203.0.113.5", "x-feedback-chat-address": "6.6.6.6" },
    }); // prettier-ignore
    const { rows } = await sql<{ ip: string }>`
      select "ipAddress" as ip from auth.session order by "createdAt" desc limit 1`.execute(platform.deps.db);
    expect(rows).toEqual([{ ip: "203.0.113.5" }]);
  });

  it("refuses to start with a proxy that is no address", () => {
    expect(() => parseConfig({ TRUSTED_PROXIES: "my-proxy" })).toThrow(/my-proxy/);
  });
});
