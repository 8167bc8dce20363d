import { createHash, randomBytes } from "node:crypto";
import type { Context, Hono } from "hono";
import { hasRole } from "../authorize.ts";
import type { AppEnvironment } from "../context.ts";
import { fullNameOf } from "../find.ts";
import type { Hub, Repository, User } from "../hub.ts";
import type { GithubApp } from "./app-state.ts";
import { install } from "./change-installation.ts";
import { cookieFor, escaped, loginOf, page, personFor } from "./pages.ts";

const codeMs = 600_000;
const tokenMs = 8 * 3_600_000;

/** GitHub's pages that a person walks through: sign in, install, authorise. Each says yes at the one button it has. */
export function pageRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  app.get("/login", (c) => {
    const { login, return_to: to = "/" } = c.req.query();
    if (login === undefined || !personFor(hub, login)) {
      const hidden = `<input type="hidden" name="return_to" value="${escaped(to)}">`;
      return page(
        c,
        200,
        "Sign in",
        `<form action="/login">${hidden}<input name="login"><button>Sign in</button></form>`,
      );
    }
    c.header("set-cookie", cookieFor(login));
    return c.redirect(/^\/(?!\/)/.test(to) ? to : "/");
  });
  app.get("/apps/:slug/installations/new", (c) => {
    const person = personFor(hub, loginOf(c));
    if (!person) return toLogin(c);
    const its = appNamed(hub, c.req.param("slug"));
    if (!its) return page(c, 404, "There is no such app.");
    return page(c, 200, `Install ${its.name}`, installForm(its, administered(hub, person), c.req.query("state")));
  });
  app.post("/apps/:slug/installations", async (c) => {
    const person = personFor(hub, loginOf(c));
    const its = appNamed(hub, c.req.param("slug"));
    if (!person || !its) return page(c, 404, "There is no such app.");
    const form = await c.req.parseBody({ all: true });
    const ids = [form["repository_ids[]"] ?? []].flat().map(Number);
    const chosen = administered(hub, person).filter(({ id }) => ids.includes(id));
    const [first] = chosen;
    if (!first) return page(c, 422, "Choose a repository.");
    const isKnown = [...its.installations.values()].some(({ account }) => account.id === first.owner.id);
    const installation = install(hub, its, { account: first.owner, repositories: chosen, sender: person });
    if (!its.setupUrl) return page(c, 200, "Installed.");
    const back = new URL(its.setupUrl);
    back.searchParams.set("installation_id", String(installation.id));
    back.searchParams.set("setup_action", isKnown ? "update" : "install");
    const state = form["state"];
    if (typeof state === "string" && state !== "") back.searchParams.set("state", state);
    return c.redirect(back.href);
  });
  oauthRoutes(hub, app);
}

function oauthRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  app.get("/login/oauth/authorize", (c) => {
    const user = personFor(hub, loginOf(c));
    if (!user) return toLogin(c);
    const {
      client_id: clientId,
      redirect_uri: redirectUri = "",
      state,
      code_challenge: challenge = null,
    } = c.req.query();
    const its = [...hub.apps.byId.values()].find((one) => one.clientId === clientId);
    if (!its || !its.callbackUrls.includes(redirectUri))
      return page(c, 404, "The redirect_uri is not associated with this application.");
    const code = randomBytes(10).toString("hex");
    const expiresAt = new Date(hub.now().getTime() + codeMs);
    hub.apps.codes.set(code, { kind: "oauth", app: its, user, redirectUri, challenge, expiresAt });
    const back = new URL(redirectUri);
    back.searchParams.set("code", code);
    if (state !== undefined) back.searchParams.set("state", state);
    return c.redirect(back.href);
  });
  app.post("/login/oauth/access_token", async (c) => {
    const form = new URLSearchParams(await c.req.text());
    const field = (name: string) => form.get(name) ?? "";
    const found = hub.apps.codes.get(field("code"));
    hub.apps.codes.delete(field("code"));
    // Refusals of this address have status 200.
    if (found?.kind !== "oauth" || found.expiresAt <= hub.now() || found.redirectUri !== field("redirect_uri"))
      return c.json({ error: "bad_verification_code", error_description: "The code passed is incorrect or expired." });
    const { app: its, user, challenge } = found;
    if (its.clientId !== field("client_id") || its.clientSecret !== field("client_secret"))
      return c.json({ error: "incorrect_client_credentials" });
    const verifier = createHash("sha256").update(field("code_verifier")).digest("base64url");
    if (challenge !== null && challenge !== verifier) return c.json({ error: "bad_verification_code" });
    const value = `ghu_${randomBytes(18).toString("hex")}`;
    const expiresAt = new Date(hub.now().getTime() + tokenMs);
    hub.tokens.set(value, {
      kind: "app_user", user, permissions: its.permissions, scopes: [], repositoryIds: null, expiresAt, app: its,
    }); // prettier-ignore
    return c.json({ access_token: value, expires_in: tokenMs / 1000, scope: "", token_type: "bearer" });
  });
}

function toLogin(c: Context): Response {
  const { pathname, search } = new URL(c.req.url);
  return c.redirect(`/login?return_to=${encodeURIComponent(pathname + search)}`);
}

function appNamed(hub: Hub, slug: string): GithubApp | undefined {
  return [...hub.apps.byId.values()].find((app) => app.slug === slug);
}

function administered(hub: Hub, { login }: User): Repository[] {
  return [...hub.repositories.values()].filter((repository) => hasRole(repository, login, "admin"));
}

function installForm({ slug }: GithubApp, repositories: Repository[], state = ""): string {
  const boxes = repositories.map(
    (one) =>
      `<label><input type="checkbox" name="repository_ids[]" value="${one.id}" checked>${escaped(fullNameOf(one))}</label>`,
  );
  const hidden = `<input type="hidden" name="state" value="${escaped(state)}">`;
  return `<form method="post" action="/apps/${slug}/installations">${hidden}${boxes.join("")}<button>Install</button></form>`;
}
