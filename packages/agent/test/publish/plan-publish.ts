import { systemClock } from "../../src/platform/system-clock.ts";
import type { RunRepository } from "../../src/ports/git.ts";
import type { GitHubPublisher } from "../../src/ports/github.ts";
import { publishPlan, type PublishPlan, type PublishRequest, type PublishStep } from "../../src/core/publish-plan.ts";
import { publishRun } from "../../src/publish/publish-run.ts";
import { makeRedactor } from "../../src/core/redact.ts";
import { collectTree } from "../../src/stages/collect.ts";
import { fileDeps, openClone } from "../git/open-clone.ts";
import { put, type Content, type TestFolder, type TestRepository } from "../git/make-repository.ts";

export const runId = "run_01k9z8m3qxe5t8v2w7y4n6p0ab";
export const branch = "feedback/issue-12-abc123";

/** A collected change of the origin's main branch, ready to be published. */
export async function planPublish(
  folder: TestFolder,
  origin: TestRepository,
  changes: Record<string, Content>,
  more: Partial<PublishRequest> = {},
): Promise<{ plan: PublishPlan; repository: RunRepository }> {
  const repository = await openClone(folder, origin);
  const tree = folder.at(`tree-${Math.random().toString(36).slice(2)}`);
  await repository.exportTree(repository.baseSha, tree);
  for (const [path, content] of Object.entries(changes)) put(tree, path, content);
  const { treeId } = await collectTree(fileDeps(), {
    repository,
    treeFolder: tree,
    runFolder: folder.at("scratch"),
    protectedPaths: [],
    redactor: makeRedactor([]),
  });
  const plan = publishPlan.parse({
    runId,
    issueNumber: 12,
    repository: {
      id: 7,
      fullName: "acme/shop",
      cloneUrl: origin.url,
      apiUrl: "http://127.0.0.1:1",
    },
    gitDir: repository.gitDir,
    baseRef: repository.baseRef,
    baseSha: repository.baseSha,
    treeId,
    branch,
    title: "Fix the basket",
    body: `What was done.\n\nRun: ${runId}`,
    isDraft: true,
    token: null,
    secrets: [],
    protocols: ["file"],
    lookAgainSeconds: [0, 0, 0, 0, 0],
    ...more,
  });
  return { plan, repository };
}

export async function publishNow(
  plan: PublishPlan,
  github: GitHubPublisher,
  onStep: (step: PublishStep) => void = () => {},
) {
  return publishRun(
    {
      clock: systemClock(),
      signal: new AbortController().signal,
      protocols: ["file"],
      github,
      onStep,
      confirmPermit: async () => {},
    },
    plan,
  );
}
