import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uuidOf } from "@feedback-chat/protocol/ids";
import { type Browser, chromium, type Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { becomeOwner, call, createProject, owner } from "../support/call-server.ts";
import { startTestServer, type TestServer } from "../support/start-test-server.ts";
import { hostileTitle, sayMore, seedHeldRun } from "./held-run.ts";

/** Run in the page, so written in its language. */
const reportViolations = `addEventListener("securitypolicyviolation", (event) =>
  noteViolation(event.violatedDirective + " " + event.sourceFile))`;
const plantInlineStyle = `document.body.append(Object.assign(document.createElement("style"), { textContent: "p{}" }))`;

const folder = mkdtempSync(join(tmpdir(), "fc-dashboard-"));
let browser: Browser;

beforeAll(async () => {
  const configFile = join(import.meta.dirname, "../../dashboard/vite.config.ts");
  await build({ configFile, logLevel: "error", build: { outDir: folder } });
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
    ],
  });
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("the dashboard", () => {
  it("makes the owner by the one-time code, shows runs and a held run live, and lets it through", async () => {
    await using server = await startTestServer({ dashboardFolder: folder });
    const { page, violations, errors } = await openPage(server);

    await page.goto(String(server.logged.find(({ event }) => event === "owner.code")?.["url"]));
    await page.getByLabel("Your name").fill("Ann");
    await page.getByLabel("E-mail").fill(owner.email);
    await page.getByLabel("Password").fill(owner.password);
    await page.getByRole("button", { name: "Create the owner" }).click();
    await page.getByRole("heading", { name: "No project yet" }).waitFor();
    expect(page.url()).not.toContain("code=");

    const { token, projectId } = await addProject(server, page);
    await page.reload();
    await page.getByRole("link", { name: "Shop" }).click();
    await page.getByRole("heading", { name: "No run yet" }).waitFor();
    const { runId } = await seedHeldRun(server.deps.db, projectId);
    await page.getByText("waits for your approval").waitFor(); // by the stream: nothing was reloaded
    await page.getByRole("link", { name: "Issue #7" }).click();

    await page.getByRole("heading", { name: hostileTitle }).waitFor(); // as text
    await page.getByText("npm test: 4 passing").waitFor();
    await page.getByText("it now adds up all of them").waitFor();
    expect(await page.locator(".diff .added").first().textContent()).toContain("reduce");
    await sayMore(server.deps.db, projectId, runId, "a line that came later");
    await page.getByText("a line that came later").waitFor();

    await page.getByRole("button", { name: "Approve", exact: true }).click();
    await page.getByText("Lets the change through").waitFor();
    await page.getByRole("button", { name: "Approve this run" }).click();
    await page.getByText("approved", { exact: true }).waitFor();
    expect((await call(server, "GET", "/v1/projects", { token })).text).toContain('"waitingFor":"worker"');

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.goto(`${server.url}/projects`);
    await page.getByLabel("E-mail").fill(owner.email);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("E-mail or password is wrong").waitFor();

    expect(violations()).toEqual([]);
    expect(errors).toEqual([]);
    await page.evaluate(plantInlineStyle);
    await expect.poll(violations).toContainEqual(expect.stringContaining("style-src")); // it does look
  });

  it.each([
    ["light", 1280],
    ["dark", 390],
  ] as const)("fits in %s on %i pixels, without scrolling sideways", async (colorScheme, width) => {
    await using server = await startTestServer({ dashboardFolder: folder });
    const { token } = await becomeOwner(server);
    const { project } = await createProject(server, token);
    const { runId } = await seedHeldRun(server.deps.db, uuidOf("prj", project.id));
    const { page } = await openPage(server, { colorScheme, viewport: { width, height: 900 } });
    await page.goto(`${server.url}/login`);
    await page.getByLabel("E-mail").fill(owner.email);
    await page.getByLabel("Password").fill(owner.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("link", { name: "Shop" }).waitFor();
    await shoot(page, `projects-${colorScheme}-${width}`);
    await page.getByRole("link", { name: "Shop" }).click();
    await page.getByRole("link", { name: "Issue #7" }).waitFor();
    await shoot(page, `runs-${colorScheme}-${width}`);
    await page.getByRole("link", { name: "Issue #7" }).click();
    await page.getByText("npm test: 4 passing").waitFor();
    await shoot(page, `run-${colorScheme}-${width}`);
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    expect(runId).toBeTruthy();
  });
});

async function openPage(server: TestServer, options: Parameters<Browser["newPage"]>[0] = {}) {
  const page = await browser.newPage({ baseURL: server.url, ...options });
  page.setDefaultTimeout(15_000);
  const seen: string[] = [];
  const errors: string[] = [];
  await page.exposeFunction("noteViolation", (what: string) => seen.push(what));
  await page.addInitScript(reportViolations);
  page.on("pageerror", (error) => errors.push(error.message));
  return { page, violations: () => seen, errors };
}

/** A project, made through the API as the one who is logged in; the key of the first CLI. */
async function addProject(server: TestServer, page: Page) {
  const token = await page.evaluate(async () => {
    const answer = await fetch("/v1/cli-tokens", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ machine: "laptop" }),
    });
    return ((await answer.json()) as { key: string }).key;
  });
  const { project } = await createProject(server, token);
  return { token, projectId: uuidOf("prj", project.id) };
}

/** Kept only if somebody wants to look: SCREENSHOTS names the folder. */
async function shoot(page: Page, name: string): Promise<void> {
  const folderForEyes = process.env["SCREENSHOTS"];
  if (folderForEyes) await page.screenshot({ path: join(folderForEyes, `${name}.png`), fullPage: true });
}
