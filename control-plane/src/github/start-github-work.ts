import type { AppDeps } from "../app-deps.ts";
import { startRevoking } from "../credentials/revoke-handed.ts";
import { startFollowing } from "../follow/start-following.ts";
import { startDelivering } from "../outbox/start-delivering.ts";
import type { Doing } from "../platform/keep-doing.ts";
import { startGate } from "./start-gate.ts";
import { startPolling } from "./start-polling.ts";

/** Everything that talks with GitHub in the background: gate, poll, follow, outbox. */
export function startGitHubWork(deps: AppDeps): Doing {
  const all = [startGate(deps), startPolling(deps), startFollowing(deps), startDelivering(deps), startRevoking(deps)];
  return {
    async stop() {
      await Promise.all(all.map((doing) => doing.stop()));
    },
  };
}
