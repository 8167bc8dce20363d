import { walkPages } from "@feedback-chat/demo/walk-pages";
import { sedEngine, openWorld, type World } from "@feedback-chat/testing/open-world";
import type { Run } from "@feedback-chat/protocol/run";
import { expect, it } from "vitest";
import { makeHome, runCli, startCli } from "./support/run-cli.ts";

/** The session of a browser in which the world's owner is logged in. */
async function cookieOfOwner({ tap }: World): Promise<string> {
  const answer = await fetch(`${tap.url}/api/auth/sign-in/email`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: tap.url },
    body: JSON.stringify({ email: "owner@example.com", password: "a long password" }),
  });
  expect(answer.status).toBe(200);
  return answer.headers.getSetCookie().map((one) => one.split(";")[0]).join("; "); // prettier-ignore
}
const published = ({ stage }: Run) => stage === "preview_ready";

it("brings a project from its token to the GitHub App: no run is lost, none is doubled, and the App's tokens publish", async () => {
  await using world = await openWorld({
    databaseUrl: process.env["TEST_DATABASE_URL"], settings: { publish: "auto", checks: [] }, engineCommand: sedEngine,
  }); // prettier-ignore
  using home = makeHome();
  const { github, projectId, fullName } = world;
  const env = {
    ...home.env, FEEDBACK_CHAT_URL: world.tap.url, FEEDBACK_CHAT_TOKEN: world.token, FEEDBACK_CHAT_PROJECT: projectId,
  }; // prettier-ignore
  world.openIssue();
  const waiting = await world.runThat("in the queue", ({ waitingFor }) => waitingFor === "worker");

  const asked = await runCli(["github", "connect", "--no-wait"], env);
  expect(asked).toMatchObject({ code: 8, stderr: expect.stringContaining("/api/github/manifest") as string });
  await using command = startCli(["github", "connect"], env);
  await command.said(/\/api\/github\/manifest/);
  const pages = walkPages({ github, serverUrl: world.tap.url, cookie: await cookieOfOwner(world) });
  expect((await pages.makeApp("acme")).status).toBe(200);
  await command.said(/\/api\/github\/connect\/prj_/);
  const { repositoryId } = world;
  expect((await pages.connect(projectId, { login: "acme", repositoryId })).status).toBe(200);
  expect(await command.ended).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${fullName}  app`) as string,
  });
  github.revokeToken(world.secrets.github);

  await world.startWorker();
  expect(await world.runThat("published", published)).toMatchObject({ id: waiting.id });
  const second = world.openIssue({ title: "The total is wrong again" });
  await world.runThat("published too", (run) => run.issueNumber === second.number && published(run));
  expect(await world.runs()).toHaveLength(2);
  const { pulls, refs } = github.lookAt(fullName);
  expect(pulls.map(({ author }) => author)).toEqual(["feedback-chat-127-0-0-1[bot]", "feedback-chat-127-0-0-1[bot]"]);
  expect(Object.keys(refs).filter((ref) => ref.startsWith("refs/heads/feedback"))).toHaveLength(2);
}, 170_000);
