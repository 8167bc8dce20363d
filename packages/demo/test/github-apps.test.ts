import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Github, startGithub } from "../src/github-server.ts";
import { type MadeApp, makeApp, redirectUrl, setupUrl } from "./make-app.ts";
import { claimsNow, signJwt } from "./sign-jwt.ts";

let folder: string;
let github: Github;
let app: MadeApp;
let installationId: number;
const repo = "acme/shop";
const ids: Record<string, number> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "github-apps-"));
  github = await startGithub({ folder });
  for (const name of ["shop", "second", "untouched"]) {
    const made = await github.createRepository({
      owner: "acme", name, isPrivate: true, files: { "a.txt": "1\n" }, roles: { reader: "read", dev: "write" },
    }); // prettier-ignore
    ids[name] = made.id;
  }
  app = await makeApp(github, { by: "acme" });
  installationId = github.installApp({ app: app.slug, repositories: [repo, "acme/second"] }).id;
});
afterAll(async () => {
  await github.close();
  await rm(folder, { recursive: true });
});

type Ask = { method?: string; body?: unknown; headers?: Record<string, string> };
async function ask(path: string, token: string, { method = "GET", body, headers = {} }: Ask = {}) {
  const response = await fetch(`${github.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text ? JSON.parse(text) : {}) as Record<string, unknown> };
}
const mint = (body: object = {}, id = installationId) =>
  ask(`/app/installations/${id}/access_tokens`, app.jwt(), { method: "POST", body });
const tokenOf = async (body: object) => String((await mint(body)).body["token"]);

describe("an app's own token", () => {
  it("counts only if it is signed by the app's key, is of now, and is short", async () => {
    expect((await ask("/app", app.jwt())).body).toMatchObject({ id: app.id, slug: "shop-helper" });
    expect((await ask("/app", signJwt(app.pem, claimsNow(app.id)))).status).toBe(200);
    const other = await makeApp(github, { by: "acme", name: "Other" });
    const refused = [
      signJwt(other.pem, claimsNow(app.client_id)),
      signJwt(app.pem, claimsNow(app.client_id), "HS256"),
      signJwt(app.pem, claimsNow(app.client_id, { toSeconds: 700 })),
      signJwt(app.pem, claimsNow(app.client_id, { toSeconds: -1 })),
      signJwt(app.pem, claimsNow(app.client_id, { fromSeconds: 60 })),
    ];
    for (const token of refused) expect((await ask("/app", token)).status).toBe(401);
    expect((await ask("/app", signJwt(app.pem, claimsNow("Iv23nobody")))).status).toBe(404);
    expect((await ask("/app", github.addToken({ login: "acme" }))).status).toBe(401);
  });

  it("opens nothing of a repository", async () => {
    expect((await ask(`/repos/${repo}`, app.jwt())).status).toBe(404);
    expect((await ask(`/repos/${repo}/installation`, app.jwt())).body).toMatchObject({ id: installationId });
    expect((await ask("/repos/acme/untouched/installation", app.jwt())).status).toBe(404);
  });

  it("exchanges a manifest's code once", async () => {
    const again = await fetch(`${github.url}/app-manifests/nothing/conversions`, { method: "POST" });
    expect(again.status).toBe(404);
    expect(app).toMatchObject({ pem: expect.stringContaining("BEGIN RSA PRIVATE KEY") as string });
  });
});

describe("an installation's token", () => {
  it("reaches the repositories and does the things that it was asked for, for an hour", async () => {
    const { status, body } = await mint({ repository_ids: [ids["shop"]], permissions: { contents: "read" } });
    expect(status).toBe(201);
    expect(body).toMatchObject({ permissions: { contents: "read" }, repository_selection: "selected" });
    expect(Date.parse(String(body["expires_at"])) - Date.now()).toBeLessThanOrEqual(3_600_000);
    const token = String(body["token"]);
    expect((await ask(`/repos/${repo}/contents/a.txt`, token)).status).toBe(200);
    expect((await ask("/repos/acme/second", token)).status).toBe(404);
    const denied = await ask(`/repos/${repo}/issues`, token, { method: "POST", body: { title: "x" } });
    expect(denied).toMatchObject({ status: 403, body: { message: "Resource not accessible by integration" } });
    const listed = await ask("/installation/repositories", token);
    expect(listed.body).toMatchObject({ total_count: 1, repositories: [{ full_name: repo }] });
  });

  it("is never more than the installation has", async () => {
    expect((await mint({ repository_ids: [ids["untouched"]] })).status).toBe(422);
    expect((await mint({ permissions: { workflows: "write" } })).status).toBe(422);
    expect((await mint({}, 999_999)).status).toBe(404);
  });

  it("is refused while the installation is suspended, and dead once it is gone", async () => {
    const token = await tokenOf({ repository_ids: [ids["second"]] });
    github.suspendApp({ installationId });
    expect(await mint()).toMatchObject({ status: 403, body: { message: "This installation has been suspended" } });
    expect((await ask("/repos/acme/second", token)).status).toBe(403);
    github.unsuspendApp({ installationId });
    expect((await ask("/repos/acme/second", token)).status).toBe(200);
    github.removeFromInstallation({ installationId, repo: "acme/second" });
    expect((await ask("/repos/acme/second", token)).status).toBe(404);
    await github.createRepository({ owner: "other", name: "thing", isPrivate: true, files: { "a.txt": "1\n" } });
    const { id } = github.installApp({ app: app.slug, repositories: ["other/thing"] });
    const { body } = await mint({}, id);
    github.uninstallApp({ installationId: id });
    expect((await ask("/repos/other/thing", String(body["token"]))).status).toBe(401);
  });
});

describe("a person's token of an app", () => {
  const verifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const authorize = async (login: string) => {
    const query = new URLSearchParams({
      client_id: app.client_id, redirect_uri: redirectUrl, state: "s2", code_challenge: challenge, code_challenge_method: "S256",
    }); // prettier-ignore
    const answer = await fetch(`${github.url}/login/oauth/authorize?${query.toString()}`, {
      headers: github.browserOf(login),
      redirect: "manual",
    });
    return new URL(answer.headers.get("location") ?? "").searchParams.get("code") ?? "";
  };
  const exchange = async (code: string, change: Record<string, string> = {}) => {
    const body = new URLSearchParams({
      client_id: app.client_id, client_secret: app.client_secret, code, redirect_uri: redirectUrl, code_verifier: verifier, ...change,
    }); // prettier-ignore
    const answer = await fetch(`${github.url}/login/oauth/access_token`, { method: "POST", body });
    return (await answer.json()) as Record<string, string>;
  };

  it("sees what both the person and the app may see, with the person's rights", async () => {
    const token = String((await exchange(await authorize("dev")))["access_token"]);
    expect((await ask(`/repos/${repo}`, token)).body).toMatchObject({ permissions: { push: true, admin: false } });
    expect((await ask("/repos/acme/untouched", token)).status).toBe(404);
    const mine = await ask("/user/installations", token);
    expect(mine.body).toMatchObject({ total_count: 1, installations: [{ id: installationId }] });
    github.addUser("stranger");
    const stranger = String((await exchange(await authorize("stranger")))["access_token"]);
    expect((await ask(`/repos/${repo}`, stranger)).status).toBe(404);
    expect((await ask(`/user/installations/${installationId}/repositories`, stranger)).status).toBe(404);
  });

  it("comes for a code once, with the secret and the verifier of who asked", async () => {
    const code = await authorize("dev");
    expect(await exchange(code)).toHaveProperty("access_token");
    expect(await exchange(code)).toMatchObject({ error: "bad_verification_code" });
    const wrong = { client_secret: "x", code_verifier: "y", redirect_uri: setupUrl };
    for (const [name, value] of Object.entries(wrong))
      expect(await exchange(await authorize("dev"), { [name]: value })).toHaveProperty("error");
  });
});

it("walks a person from the installation's page to the setup address, and tells the app", async () => {
  const third = await makeApp(github, { by: "acme", name: "Third" });
  const page = await fetch(`${github.url}/apps/third/installations/new?state=s3`, {
    headers: github.browserOf("acme"),
  });
  expect(await page.text()).toContain(`value="${ids["shop"]}"`);
  const clicked = await fetch(`${github.url}/apps/third/installations`, {
    method: "POST",
    headers: { ...github.browserOf("acme"), "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ "repository_ids[]": String(ids["shop"]), state: "s3" }).toString(),
    redirect: "manual",
  });
  const { searchParams } = new URL(clicked.headers.get("location") ?? "");
  expect(Object.fromEntries(searchParams)).toMatchObject({ setup_action: "install", state: "s3" });
  await github.webhooks.settled();
  const { body } = await ask("/app/hook/deliveries", third.jwt());
  const installation_id = Number(searchParams.get("installation_id"));
  expect(body).toMatchObject([
    { event: "installation", action: "created", status_code: 0, installation_id },
    { event: "ping" },
  ]);
});
