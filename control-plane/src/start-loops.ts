import type { ServerDeps } from "./app.ts";

/** Background work of this process, each with its own clock. */
export function startLoops(_deps: ServerDeps): { stop(): Promise<void> } {
  const running: { stop(): Promise<void> }[] = [];
  return {
    async stop() {
      await Promise.all(running.map((loop) => loop.stop()));
    },
  };
}
