import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import * as z from "zod";
import type { AppEnvironment } from "../context.ts";
import { userOf } from "../find.ts";
import type { Hub, Permissions } from "../hub.ts";
import { notFound, refusal } from "../refuse.ts";
import { createApp, slugOf } from "./create-app.ts";
import { loginOf, page, personFor } from "./pages.ts";
import { renderApp } from "./render-app.ts";

const hourMs = 3_600_000;
const level = z.enum(["read", "write"]);
const permissions = z.strictObject({
  metadata: level.optional(), contents: level.optional(), issues: level.optional(), pull_requests: level.optional(),
  workflows: level.optional(), deployments: level.optional(), statuses: level.optional(), checks: level.optional(),
  repository_hooks: level.optional(), administration: level.optional(),
}); // prettier-ignore
const manifest = z.strictObject({
  name: z.string().min(1).max(34),
  url: z.url(),
  description: z.string().optional(),
  hook_attributes: z.strictObject({ url: z.url(), active: z.boolean().default(true) }),
  redirect_url: z.url(),
  callback_urls: z.array(z.url()).max(10).default([]),
  setup_url: z.url().optional(),
  public: z.boolean().default(false),
  default_events: z.array(z.string()).default([]),
  default_permissions: permissions.default({}),
  request_oauth_on_install: z.boolean().default(false),
  setup_on_update: z.boolean().default(false),
});

/** Registering an app from a manifest: the page that a browser posts to, and the exchange of its code. */
export function manifestRoutes(hub: Hub, app: Hono<AppEnvironment>): void {
  for (const path of ["/settings/apps/new", "/organizations/:organization/settings/apps/new"])
    app.post(path, async (c) => {
      const person = personFor(hub, loginOf(c));
      if (!person) return page(c, 401, "Sign in to GitHub first.");
      const form = await c.req.parseBody();
      const parsed = manifest.safeParse(jsonOf(form["manifest"]));
      if (!parsed.success) return page(c, 422, `The manifest is not valid: ${z.prettifyError(parsed.error)}`);
      const wanted = parsed.data;
      const taken = [...hub.apps.byId.values()].some(({ slug }) => slug === slugOf(wanted.name));
      if (taken) return page(c, 422, "Name is already in use");
      const organization = c.req.param("organization");
      const made = createApp(hub, {
        name: wanted.name, owner: organization ? userOf(hub, organization, "Organization") : person, homepage: wanted.url,
        description: wanted.description ?? "", permissions: wanted.default_permissions as Permissions,
        events: wanted.default_events, callbackUrls: wanted.callback_urls, setupUrl: wanted.setup_url ?? null,
        hookUrl: wanted.hook_attributes.url,
      }); // prettier-ignore
      const code = randomBytes(20).toString("hex");
      hub.apps.codes.set(code, { kind: "manifest", ...made, expiresAt: new Date(hub.now().getTime() + hourMs) });
      const back = new URL(wanted.redirect_url);
      back.searchParams.set("code", code);
      const state = c.req.query("state");
      if (state !== undefined) back.searchParams.set("state", state);
      return c.redirect(back.href);
    });
  app.post("/app-manifests/:code/conversions", (c) => {
    const code = c.req.param("code");
    const found = hub.apps.codes.get(code);
    hub.apps.codes.delete(code);
    if (found?.kind !== "manifest" || found.expiresAt <= hub.now()) throw notFound();
    const { clientId, clientSecret, hook } = found.app;
    const secrets = {
      client_id: clientId,
      client_secret: clientSecret,
      webhook_secret: hook.secret,
      pem: found.privateKey,
    };
    return c.json({ ...renderApp(hub, found.app), ...secrets }, 201);
  });
}

function jsonOf(value: unknown): unknown {
  try {
    return JSON.parse(String(value)) as unknown;
  } catch {
    throw refusal(422, "The manifest is no JSON.");
  }
}
