import type { Hono } from "hono";
import * as z from "zod";
import { type AppContext, type AppEnvironment, bodyOf, callerOf, page, repositoryFor } from "./context.ts";
import { createHook } from "./create-hook.ts";
import type { Delivery, Hook, Hub, Repository, User } from "./hub.ts";
import { invalid, notFound, refusal } from "./refuse.ts";
import { renderDelivery, renderDeliveryItem, renderHook } from "./render-hook.ts";

const readHooks = { permission: "repository_hooks", level: "read", role: "admin" } as const;
const writeHooks = { permission: "repository_hooks", level: "write", role: "admin" } as const;
const config = z.looseObject({
  url: z.url().optional(),
  content_type: z.enum(["json", "form"]).optional(),
  secret: z.string().optional(),
});
const created = z.looseObject({
  config,
  events: z.array(z.string()).default(["push"]),
  active: z.boolean().default(true),
});
const edited = z.looseObject({
  config: config.optional(), events: z.array(z.string()).optional(), active: z.boolean().optional(),
  add_events: z.array(z.string()).default([]), remove_events: z.array(z.string()).default([]),
}); // prettier-ignore

export type HookCalls = {
  ping(repository: Repository, hook: Hook, sender: User): void;
  redeliver(hook: Hook, delivery: Delivery): void;
};

export function hookRoutes(hub: Hub, calls: HookCalls, app: Hono<AppEnvironment>): void {
  const all = "/repos/:owner/:repo/hooks";
  const one = `${all}/:hook{[0-9]+}`;
  app.get(all, (c) => {
    const repository = repositoryFor(hub, c, readHooks);
    return c.json(page(c, [...repository.hooks.values()]).map((hook) => renderHook(hub, repository, hook)));
  });
  app.post(all, async (c) => {
    const repository = repositoryFor(hub, c, writeHooks);
    const { config: asked, events, active } = await bodyOf(c, created);
    if (!asked.url) throw invalid({ resource: "Hook", code: "custom", message: "url cannot be blank" });
    if ([...repository.hooks.values()].some((hook) => hook.url === asked.url)) {
      throw invalid({
        resource: "Hook",
        code: "custom",
        message: "Hook already exists on this repository",
      });
    }
    const hook = createHook(hub, repository, {
      url: asked.url,
      secret: asked.secret ?? null,
      contentType: asked.content_type ?? "form",
      events,
      isActive: active,
    });
    calls.ping(repository, hook, callerOf(hub, c));
    return c.json(renderHook(hub, repository, hook), 201);
  });
  app.get(one, (c) => {
    const repository = repositoryFor(hub, c, readHooks);
    return c.json(renderHook(hub, repository, hookFor(repository, c)));
  });
  app.patch(one, (c) => patchHook(hub, c));
  app.delete(one, (c) => {
    const repository = repositoryFor(hub, c, writeHooks);
    repository.hooks.delete(hookFor(repository, c).id);
    return c.body(null, 204);
  });
  deliveryRoutes(hub, calls, app, one);
}

function deliveryRoutes(hub: Hub, calls: HookCalls, app: Hono<AppEnvironment>, one: string): void {
  app.post(`${one}/pings`, (c) => {
    const repository = repositoryFor(hub, c, readHooks);
    calls.ping(repository, hookFor(repository, c), callerOf(hub, c));
    return c.body(null, 204);
  });
  app.get(`${one}/deliveries`, (c) => {
    const repository = repositoryFor(hub, c, readHooks);
    const items = page(c, hookFor(repository, c).deliveries);
    return c.json(items.map((delivery) => renderDeliveryItem(delivery)));
  });
  app.get(`${one}/deliveries/:id{[0-9]+}`, (c) => {
    const repository = repositoryFor(hub, c, readHooks);
    const hook = hookFor(repository, c);
    return c.json(renderDelivery(hook, deliveryFor(hook, c)));
  });
  app.post(`${one}/deliveries/:id{[0-9]+}/attempts`, (c) => {
    const repository = repositoryFor(hub, c, writeHooks);
    const hook = hookFor(repository, c);
    calls.redeliver(hook, deliveryFor(hook, c));
    return c.json({}, 202);
  });
}

async function patchHook(hub: Hub, c: AppContext): Promise<Response> {
  const repository = repositoryFor(hub, c, writeHooks);
  const hook = hookFor(repository, c);
  const {
    config: asked,
    events = hook.events,
    active,
    add_events: more,
    remove_events: less,
  } = await bodyOf(c, edited);
  hook.events = [...new Set([...events, ...more])].filter((event) => !less.includes(event));
  if (active !== undefined) hook.isActive = active;
  if (asked) {
    // A config is replaced as a whole: one without a secret takes the secret away, as GitHub warns.
    hook.url = asked.url ?? hook.url;
    hook.contentType = asked.content_type ?? "form";
    hook.secret = asked.secret ?? null;
  }
  hook.updatedAt = hub.now();
  return c.json(renderHook(hub, repository, hook));
}

function hookFor(repository: Repository, c: AppContext): Hook {
  const hook = repository.hooks.get(Number(c.req.param("hook")));
  if (!hook) throw notFound();
  return hook;
}

export function deliveryFor(hook: Hook, c: AppContext): Delivery {
  const delivery = hook.deliveries.find(({ id }) => id === Number(c.req.param("id")));
  if (!delivery) throw refusal(404, "Not Found");
  return delivery;
}
