import { systemClock } from "../../src/platform/system-clock.ts";
import type { RunRepository } from "../../src/ports/git.ts";
import { cloneRepository, type CloneInput } from "../../src/stages/clone.ts";
import type { TestFolder, TestRepository } from "./make-repository.ts";

export const fileDeps = () => ({
  clock: systemClock(),
  signal: new AbortController().signal,
  protocols: ["file"] as const,
});

/** Clones a test repository by the file protocol, as a run would by HTTP. */
export function openClone(
  folder: TestFolder,
  origin: TestRepository,
  more: Partial<CloneInput> = {},
): Promise<RunRepository> {
  return cloneRepository(fileDeps(), {
    repository: {
      id: 7,
      fullName: "acme/shop",
      cloneUrl: origin.url,
      apiUrl: "http://127.0.0.1:1",
      isPrivate: false,
    },
    baseRef: null,
    token: null,
    cacheFolder: folder.at("cache"),
    runFolder: folder.at(`run-${Math.random().toString(36).slice(2)}`),
    ...more,
  });
}
