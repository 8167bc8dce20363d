import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";

declare module "vitest" {
  interface ProvidedContext {
    /** Node, npm and the engine are put there once for all files of the suite. */
    dataFolder: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-attacks-"));
  // The sandbox's own user passes through.
  chmodSync(folder, 0o711);
  project.provide("dataFolder", folder);
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
