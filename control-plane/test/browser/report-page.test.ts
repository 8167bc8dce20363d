import { idOf, uuidOf } from "@feedback-chat/protocol/ids";
import { systemActor } from "@feedback-chat/protocol/actor";
import { feedbackAnswer } from "@feedback-chat/protocol/report";
import { chromium } from "playwright-core";
import { expect, it } from "vitest";
import { advanceRun } from "../../src/jobs/advance-run.ts";
import { lockJob } from "../../src/jobs/lock-job.ts";
import { asProject } from "../../src/platform/as-tenant.ts";
import { becomeOwner, call, createProject } from "../support/call-server.ts";
import { seedRun } from "../support/seed.ts";
import { startTestServer } from "../support/start-test-server.ts";

const hostile = `<img src=x onerror="document.title='owned'"> It is broken`;

it("shows a reporter the own report, as text, and takes their word without an account", async () => {
  await using server = await startTestServer({ dashboardFolder: "/nowhere" });
  const { token } = await becomeOwner(server);
  const { project, apiKey } = await createProject(server, token);
  const projectId = uuidOf("prj", project.id);
  const { runId, issueNumber } = await seedRun(server.deps.db, { projectId });
  await asProject(server.deps.db, projectId, async (tx) => {
    await lockJob(tx, runId);
    for (const event of ["leased", "collected", "published"] as const)
      await advanceRun(tx, runId, { event, actor: systemActor, attempt: 1, waitingFor: null });
  });
  const sent = await call(server, "POST", `/v1/projects/${idOf("prj", projectId)}/feedback`, {
    token: apiKey,
    body: { clientId: "one", publicText: hostile, issueNumber },
  });
  const { feedbackId, reporterToken } = feedbackAnswer.parse(sent.body);
  const browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"],
  });
  try {
    const page = await browser.newPage();
    const noise: string[] = [];
    page.on("console", (line) => noise.push(line.text()));
    page.on("pageerror", (error) => noise.push(error.message));
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(`${server.url}/r/${feedbackId}#${reporterToken}`);
    await page.getByText("A change is ready to be looked at.").waitFor();
    expect(await page.locator("#text").textContent()).toBe(hostile);
    expect(await page.title()).toBe("Your report");
    await page.getByRole("button", { name: "It is right now" }).click();
    await page.getByText("You said that it is right.").waitFor();
    expect(await page.getByRole("button", { name: "It is right now" }).isVisible()).toBe(false);
    expect(asked.some((url) => url.includes("fcr_") && !url.includes("#"))).toBe(false);
    await page.goto(`${server.url}/r/${feedbackId}?x#fcr_wrong`);
    await page.getByText("This link is not valid.").waitFor();
    // The browser itself tells of the 401; our page and its policy say nothing.
    expect(noise.filter((line) => !line.includes("401"))).toEqual([]);
  } finally {
    await browser.close();
  }
});
