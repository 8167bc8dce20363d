import type { ServerDeps } from "./app.ts";
import { startSending } from "./endpoints/start-sending.ts";
import { startGitHubWork } from "./github/start-github-work.ts";
import { startMailing } from "./mail/start-mailing.ts";
import { startSweeper } from "./jobs/start-sweeper.ts";
import { startForgetting } from "./retention/start-forgetting.ts";
import { startRewrapping } from "./vault/start-rewrapping.ts";

/** Background work of this process, each with its own clock. */
export function startLoops(deps: ServerDeps): { stop(): Promise<void> } {
  const running = [
    startSweeper(deps),
    startGitHubWork(deps),
    startMailing(deps),
    startRewrapping(deps),
    startForgetting(deps),
    startSending(deps),
  ];
  return {
    async stop() {
      await Promise.all(running.map((loop) => loop.stop()));
    },
  };
}
