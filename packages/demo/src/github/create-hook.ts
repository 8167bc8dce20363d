import type { Hook, Hub, Repository } from "./hub.ts";

export type NewHook = Pick<Hook, "url" | "secret" | "contentType" | "events" | "isActive">;

export function createHook(hub: Hub, repository: Repository, wanted: NewHook): Hook {
  const hook: Hook = {
    ...wanted,
    id: hub.newId(),
    createdAt: hub.now(),
    updatedAt: hub.now(),
    deliveries: [],
  };
  repository.hooks.set(hook.id, hook);
  return hook;
}
