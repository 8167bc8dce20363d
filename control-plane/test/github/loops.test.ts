import { describe, expect, it } from "vitest";
import { startGitHubWork } from "../../src/github/start-github-work.ts";
import { kinds } from "../support/open-test-database.ts";
import { openGithubScene, repo } from "../support/github-scene.ts";
import { seedKey } from "../support/seed.ts";
import { openTestWorker } from "../support/test-worker.ts";
import { until } from "../support/until.ts";

const labels = ["auto-implement"];

describe.each(kinds)("the work with GitHub in the background, on %s", (kind) => {
  it("takes an issue from the webhook through the gate to a waiting worker, and shows it on the issue", async () => {
    await using scene = await openGithubScene({ kind });
    await scene.setToken();
    scene.hook();
    const work = startGitHubWork(scene.deps);
    const { key } = await seedKey(scene.db, { kind: "worker", workspaceId: scene.workspaceId });
    const worker = await openTestWorker(scene.app, key);
    const claiming = worker.claim(10);
    scene.github.openIssue({ repo, author: "maintainer", title: "The total is wrong", labels });
    const { lease } = await claiming;
    expect(lease?.job).toMatchObject({
      issueNumber: 1,
      origin: "maintainer",
      resumeAt: "snapshot",
    });
    await until(async () => scene.github.lookAt(repo).issues[0]?.labels.includes("in-progress"));
    await work.stop();
  });

  it("finds at its start what was labelled while no webhook came", async () => {
    await using scene = await openGithubScene({ kind });
    await scene.setToken();
    scene.github.openIssue({ repo, author: "maintainer", title: "The total is wrong", labels });
    const work = startGitHubWork(scene.deps);
    await until(async () => (await scene.runs())[0]?.waiting_for === "worker");
    await work.stop();
  });
});
