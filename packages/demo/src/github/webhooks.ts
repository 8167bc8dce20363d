import type { Delivery, Hook, Hub, Repository, User } from "./hub.ts";
import { renderPingHook } from "./render-hook.ts";
import { renderRepository } from "./render-repository.ts";
import { renderUser } from "./render-user.ts";
import { newDelivery, sendDelivery } from "./send-delivery.ts";

/** One delivery as the double made it; `attempts` counts how often it went out. */
export type WebhookDelivery = {
  guid: string;
  event: string;
  action: string | null;
  repository: string;
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

type Sending = { repository: Repository; hook: Hook; delivery: Delivery };

/** Signs and sends webhooks, one attempt each, in order: what GitHub does, less its reordering. */
export function createWebhooks(hub: Hub): Webhooks & {
  emit: Hub["emit"];
  ping(repository: Repository, hook: Hook, sender: User): void;
  redeliver(repository: Repository, hook: Hook, delivery: Delivery): void;
  stop(): Promise<void>;
} {
  const made: WebhookDelivery[] = [];
  const sendings = new Map<string, Sending>();
  const stopping = new AbortController();
  let held: Sending[] | null = null;
  let toLose = 0;
  let queue: Promise<unknown> = Promise.resolve();

  function enqueue(sending: Sending): void {
    if (held) held.push(sending);
    else if (toLose > 0) toLose -= 1;
    else queue = queue.then(() => sendDelivery(hub, sending, stopping.signal));
  }

  function make(repository: Repository, hook: Hook, event: string, payload: Record<string, unknown>): void {
    const delivery = newDelivery(hub, hook, event, payload);
    hook.deliveries.unshift(delivery);
    const { guid, action } = delivery;
    made.push({
      guid,
      event,
      action,
      repository: `${repository.owner.login}/${repository.name}`,
      hookId: hook.id,
    });
    sendings.set(guid, { repository, hook, delivery });
    enqueue({ repository, hook, delivery });
  }

  function withContext(repository: Repository, payload: Record<string, unknown>, sender: User) {
    return {
      ...payload,
      repository: renderRepository(hub, repository),
      ...(repository.owner.type === "Organization" ? { organization: renderOrganization(hub, repository.owner) } : {}),
      ...(repository.installationId === null ? {} : { installation: { id: repository.installationId, node_id: "" } }),
      sender: renderUser(hub, sender),
    };
  }

  return {
    deliveries: made,
    settled: async () => {
      for (let seen; seen !== queue; await queue) seen = queue;
    },
    hold() {
      held ??= [];
    },
    async release(order = "same") {
      const waiting = held ?? [];
      held = null;
      for (const sending of order === "same" ? waiting : waiting.reverse()) enqueue(sending);
      await queue;
    },
    loseNext(count = 1) {
      toLose += count;
    },
    async deliver(guid) {
      const sending = sendings.get(guid);
      if (!sending) throw new Error(`There was no delivery ${guid}.`);
      const again = { ...sending.delivery, id: hub.newId(), isRedelivery: true };
      sending.hook.deliveries.unshift(again);
      await sendDelivery(hub, { ...sending, delivery: again }, stopping.signal);
      return again.statusCode;
    },
    emit(repository, event, payload, sender) {
      const complete = withContext(repository, payload, sender);
      for (const hook of repository.hooks.values()) {
        const listens = hook.isActive && (hook.events.includes(event) || hook.events.includes("*"));
        if (listens) make(repository, hook, event, complete);
      }
    },
    ping(repository, hook, sender) {
      const payload = {
        zen: "Design for failure.",
        hook_id: hook.id,
        hook: renderPingHook(hub, repository, hook),
      };
      make(repository, hook, "ping", withContext(repository, payload, sender));
    },
    redeliver(repository, hook, delivery) {
      const again = {
        ...delivery,
        id: hub.newId(),
        isRedelivery: true,
        deliveredAt: hub.now(),
        statusCode: 0,
      };
      hook.deliveries.unshift(again);
      enqueue({ repository, hook, delivery: again });
    },
    async stop() {
      stopping.abort();
      await queue;
    },
  };
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
