import { randomUUID } from "node:crypto";
import { installationOf } from "./apps/app-state.ts";
import type { Delivery, Hook, Hub, Repository, User } from "./hub.ts";
import { renderAppPingHook, renderPingHook } from "./render-hook.ts";
import { renderRepository } from "./render-repository.ts";
import { renderUser } from "./render-user.ts";
import { newDelivery, sendDelivery } from "./send-delivery.ts";
import { nodeId } from "./wire-values.ts";

/** One delivery as the double made it; `attempts` counts how often it went out. */
export type WebhookDelivery = {
  guid: string;
  event: string;
  action: string | null;
  /** Null for what happens to an app's installation. */
  repository: string | null;
  hookId: number;
};

export type Webhooks = {
  /** Everything that was made, newest last; also what was held or lost. */
  deliveries: WebhookDelivery[];
  /** Resolves when nothing is on its way any more (what is held does not count). */
  settled(): Promise<void>;
  /** From now on deliveries are made but not sent. */
  hold(): void;
  /** Sends what was held, in `order` (made order, or the other way round), and goes on sending. */
  release(order?: "same" | "reversed"): Promise<void>;
  /** The next so many deliveries are made, listed as failed, and never sent: GitHub tries once. */
  loseNext(count?: number): void;
  /** Sends a delivery once more, under the same GUID, and gives the receiver's status (0: nobody listens). */
  deliver(guid: string): Promise<number>;
};

type Sending = { hook: Hook; delivery: Delivery };
type Told = { guid: string; event: string; payload: Record<string, unknown>; repository: Repository | null };

/**
 * Signs and sends webhooks, one attempt each: what GitHub does, less its reordering. In order within a hook; one whose
 * receiver does not answer keeps no other waiting. A delivery is listed once it was tried, as GitHub does.
 */
export function createWebhooks(hub: Hub): Webhooks & {
  emit: Hub["emit"];
  emitToApp: Hub["emitToApp"];
  pingApp: Hub["pingApp"];
  ping(repository: Repository, hook: Hook, sender: User): void;
  redeliver(hook: Hook, delivery: Delivery): void;
  stop(): Promise<void>;
} {
  const made: WebhookDelivery[] = [];
  const sendings = new Map<string, Sending>();
  const stopping = new AbortController();
  let held: Sending[] | null = null;
  let toLose = 0;
  const queues = new Map<number, Promise<unknown>>();

  function enqueue(sending: Sending): void {
    const { hook } = sending;
    if (held) held.push(sending);
    else if (toLose > 0) {
      toLose -= 1;
      list(sending);
    } else
      queues.set(
        hook.id,
        (queues.get(hook.id) ?? Promise.resolve()).then(() => send(sending)),
      );
  }

  async function send(sending: Sending): Promise<void> {
    sending.delivery.deliveredAt = hub.now();
    await sendDelivery(hub, sending, stopping.signal);
    list(sending);
  }

  /** Until nothing was added meanwhile. */
  async function settled(): Promise<void> {
    for (let seen: unknown[] = []; ;) {
      const all = [...queues.values()];
      if (all.length === seen.length && all.every((one, index) => one === seen[index])) return;
      await Promise.all(all);
      seen = all;
    }
  }

  function make(hook: Hook, { guid, event, payload, repository }: Told): void {
    const delivery = newDelivery(hub, hook, { guid, event, payload });
    const { action } = delivery;
    const named = repository && `${repository.owner.login}/${repository.name}`;
    made.push({ guid, event, action, repository: named, hookId: hook.id });
    sendings.set(guid, { hook, delivery });
    enqueue({ hook, delivery });
  }

  function withContext(repository: Repository, payload: Record<string, unknown>, sender: User) {
    return {
      ...payload,
      repository: renderRepository(hub, repository),
      ...(repository.owner.type === "Organization" ? { organization: renderOrganization(hub, repository.owner) } : {}),
      sender: renderUser(hub, sender),
    };
  }

  return {
    deliveries: made,
    settled,
    hold() {
      held ??= [];
    },
    async release(order = "same") {
      const waiting = held ?? [];
      held = null;
      for (const sending of order === "same" ? waiting : waiting.reverse()) enqueue(sending);
      await settled();
    },
    loseNext(count = 1) {
      toLose += count;
    },
    async deliver(guid) {
      const sending = sendings.get(guid);
      if (!sending) throw new Error(`There was no delivery ${guid}.`);
      const again = { ...sending.delivery, id: hub.newId(), isRedelivery: true };
      await send({ ...sending, delivery: again });
      return again.statusCode;
    },
    emit(repository, event, payload, sender) {
      const complete = withContext(repository, payload, sender);
      // "Shared with all deliveries for all webhooks that subscribe to this event", says GitHub of the GUID.
      const told = { guid: randomUUID(), event, payload: complete, repository };
      for (const hook of repository.hooks.values()) if (listens(hook, event)) make(hook, told);
      for (const app of hub.apps.byId.values()) {
        const installation = installationOf(app, repository);
        if (!installation || installation.suspendedAt || !listens(app.hook, event)) continue;
        // Only an app is told of its installation.
        const named = { id: installation.id, node_id: nodeId("I", installation.id) };
        make(app.hook, { ...told, payload: { ...complete, installation: named } });
      }
    },
    emitToApp(app, event, payload, sender) {
      const complete = { ...payload, sender: renderUser(hub, sender) };
      if (app.hook.isActive) make(app.hook, { guid: randomUUID(), event, payload: complete, repository: null });
    },
    ping(repository, hook, sender) {
      const payload = {
        zen: "Design for failure.",
        hook_id: hook.id,
        hook: renderPingHook(hub, repository, hook),
      };
      const complete = withContext(repository, payload, sender);
      make(hook, { guid: randomUUID(), event: "ping", payload: complete, repository });
    },
    pingApp(app) {
      const hook = renderAppPingHook(hub, app);
      const payload = { zen: "Design for failure.", hook_id: app.hook.id, hook, sender: renderUser(hub, app.owner) };
      make(app.hook, { guid: randomUUID(), event: "ping", payload, repository: null });
    },
    redeliver(hook, delivery) {
      const again = {
        ...delivery,
        id: hub.newId(),
        isRedelivery: true,
        statusCode: 0,
      };
      enqueue({ hook, delivery: again });
    },
    async stop() {
      stopping.abort();
      await settled();
    },
  };
}

function list({ hook, delivery }: Sending): void {
  hook.deliveries.unshift(delivery);
}

function listens({ isActive, events }: Hook, event: string): boolean {
  return isActive && (events.includes(event) || events.includes("*"));
}

function renderOrganization(hub: Hub, owner: User) {
  const { login, id, node_id, url, repos_url, avatar_url } = renderUser(hub, owner);
  const org = `${hub.origin}/orgs/${login}`;
  return {
    login, id, node_id, url: url.replace("/users/", "/orgs/"), repos_url: repos_url.replace("/users/", "/orgs/"),
    events_url: `${org}/events`, hooks_url: `${org}/hooks`, issues_url: `${org}/issues`,
    members_url: `${org}/members{/member}`, public_members_url: `${org}/public_members{/member}`,
    avatar_url, description: null,
  }; // prettier-ignore
}
