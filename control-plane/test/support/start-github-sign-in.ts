import { createHash, randomBytes } from "node:crypto";
import type { AddressInfo } from "node:net";
import { type ServerType, serve } from "@hono/node-server";
import { Hono } from "hono";

type GithubPerson = { id: number; login: string; email: string; isVerified: boolean };
export type GithubSignIn = AsyncDisposable & {
  env: Record<string, string>;
  /** Tokens that it gave out. */
  tokens: string[];
  /** The person says yes at the address that they were sent to. @returns where GitHub sends them back to. */
  approve(authorizeUrl: string, person: GithubPerson): URL;
};

const client = { id: "client-of-ours", secret: "client-secret-of-ours" };

/** The three routes of GitHub's sign-in, with its checks: client, secret, one-use code, PKCE. */
export async function startGithubSignIn(): Promise<GithubSignIn> {
  const codes = new Map<string, { person: GithubPerson; challenge: string; redirectUri: string }>();
  const people = new Map<string, GithubPerson>();
  const tokens: string[] = [];
  const app = new Hono();
  app.post("/login/oauth/access_token", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const field = (name: string) => form.get(name) ?? "";
    const code = codes.get(field("code"));
    codes.delete(field("code"));
    const challenge = createHash("sha256").update(field("code_verifier")).digest("base64url");
    const isOurs = field("client_id") === client.id && field("client_secret") === client.secret;
    if (!code || !isOurs || challenge !== code.challenge || field("redirect_uri") !== code.redirectUri)
      return c.json({ error: "bad_verification_code" });
    const token = `gho_${randomBytes(16).toString("hex")}`;
    tokens.push(token);
    people.set(`Bearer ${token}`, code.person);
    return c.json({ access_token: token, token_type: "bearer", scope: "read:user,user:email" });
  });
  app.get("/user", (c) => {
    const person = people.get(c.req.header("authorization") ?? "");
    return person ? c.json({ id: person.id, login: person.login, name: null }) : c.json({}, 401);
  });
  app.get("/user/emails", (c) => {
    const person = people.get(c.req.header("authorization") ?? "");
    return person ? c.json([{ email: person.email, primary: true, verified: person.isVerified }]) : c.json({}, 401);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  const server: ServerType = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, () => resolve());
  await promise;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    tokens,
    env: { GITHUB_URL: url, GITHUB_API_URL: url, GITHUB_CLIENT_ID: client.id, GITHUB_CLIENT_SECRET: client.secret },
    approve(authorizeUrl, person) {
      const { searchParams } = new URL(authorizeUrl);
      const code = randomBytes(8).toString("hex");
      const redirectUri = searchParams.get("redirect_uri") ?? "";
      codes.set(code, { person, redirectUri, challenge: searchParams.get("code_challenge") ?? "" });
      const back = new URL(redirectUri);
      back.search = new URLSearchParams({ code, state: searchParams.get("state") ?? "" }).toString();
      return back;
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      await closed.promise;
    },
  };
}
