import { describe, expect, it } from "vitest";
import { pollIssues } from "../../src/github/poll-issues.ts";
import { type GithubScene, openGithubScene, repo } from "../support/github-scene.ts";
import { shareDatabase } from "../support/share-database.ts";

const database = shareDatabase("server");

const labels = ["auto-implement"];
const poll = ({ deps, projectId }: GithubScene) =>
  pollIssues(deps, new Map(), { id: projectId, triggerLabel: "auto-implement" });

describe("the poll of labelled issues", () => {
  it("cases 10 and 11: makes one run of each open labelled issue that no webhook told of, once", async () => {
    await using scene = await openGithubScene({ on: database() });
    await scene.setToken();
    scene.github.openIssue({ repo, author: "maintainer", title: "One", labels });
    scene.github.openIssue({ repo, author: "maintainer", title: "Two" });
    const { number } = scene.github.openIssue({
      repo,
      author: "maintainer",
      title: "Three",
      labels,
    });
    await scene.github.closeIssue({ repo, number });
    expect(await poll(scene)).toEqual([1]);
    expect(await poll(scene)).toEqual([]);
    expect(await scene.runs()).toMatchObject([{ issue: 1, title: "One", stage: "queued", waiting_for: "github" }]);
  });

  it("makes one run when the poll and the webhook come at once", async () => {
    await using scene = await openGithubScene({ on: database() });
    await scene.setToken();
    scene.hook();
    scene.github.openIssue({ repo, author: "maintainer", title: "One", labels });
    await Promise.all([poll(scene), poll(scene), scene.github.webhooks.settled()]);
    expect(await scene.runs()).toHaveLength(1);
  });

  it("starts an issue again that was closed and opened while nobody listened", async () => {
    await using scene = await openGithubScene({ on: database() });
    await scene.setToken();
    scene.hook();
    scene.github.openIssue({ repo, author: "maintainer", title: "One", labels });
    await scene.github.closeIssue({ repo, number: 1 });
    await scene.github.webhooks.settled();
    scene.github.webhooks.loseNext();
    await scene.github.reopenIssue({ repo, number: 1 });
    expect(await poll(scene)).toEqual([1]);
    expect(await scene.runs()).toMatchObject([{ reason: "issue_closed" }, { stage: "queued" }]);
  });

  it("asks nothing without a token, and comes back when GitHub could not answer", async () => {
    await using scene = await openGithubScene({ on: database() });
    scene.github.openIssue({ repo, author: "maintainer", title: "One", labels });
    expect(await poll(scene)).toEqual([]);
    expect(scene.github.requests).toEqual([]);
    await scene.setToken();
    scene.github.failNext({ path: /issues/, status: 503 });
    expect(await poll(scene)).toEqual([]);
    expect(await poll(scene)).toEqual([1]);
  });
});
