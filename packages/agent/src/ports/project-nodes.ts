import type { NodeRelease } from "../core/node-releases.ts";

/** Where Nodes other than the worker's own come from. */
export interface ProjectNodes {
  /** What may be fetched, by ascending version. */
  readonly releases: readonly NodeRelease[];
  /**
   * Puts a release into a folder of the worker's own, as `bin/node`, once. It is the pinned one, and has not been
   * started. @returns half a sentence with the reason where it cannot be had
   */
  fetch(release: NodeRelease, signal: AbortSignal): Promise<{ folder: string } | { problem: string }>;
}
