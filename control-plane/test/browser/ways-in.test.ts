import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deviceCodeAnswer } from "@feedback-chat/protocol/device";
import { createdKey } from "@feedback-chat/protocol/project";
import { type Browser, chromium } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { becomeOwner, call, owner } from "../support/call-server.ts";
import { type MailServer, startMailServer } from "../support/start-mail-server.ts";
import { startTestServer } from "../support/start-test-server.ts";
import { until } from "../support/until.ts";

const folder = mkdtempSync(join(tmpdir(), "fc-ways-in-"));
let browser: Browser;

beforeAll(async () => {
  const configFile = join(import.meta.dirname, "../../dashboard/vite.config.ts");
  await build({ configFile, logLevel: "error", build: { outDir: folder } });
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"];
  browser = await chromium.launch({ executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium", args });
});
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const linkIn = ({ mails }: MailServer, page: "login" | "invite") =>
  until(async () => mails.map(({ text }) => new RegExp(`http\\S+/${page}#\\S+`).exec(text)?.[0]).findLast(Boolean));

it("signs in by a mailed link, and lets a command line in by its code", async () => {
  await using mail = await startMailServer();
  await using server = await startTestServer({ dashboardFolder: folder, env: mail.env });
  await becomeOwner(server);
  const page = await browser.newPage({ baseURL: server.url });
  page.setDefaultTimeout(15_000);
  const { body } = await call(server, "POST", "/api/auth/device/code", { body: { machine: "laptop" } });
  const { deviceCode, verificationUrlComplete, userCode } = deviceCodeAnswer.parse(body);

  await page.goto("/device"); // without a session: to the login, and back
  await page.getByLabel("E-mail").fill(owner.email);
  await page.getByRole("button", { name: "Send me a link" }).click();
  await page.getByText("a link is on its way").waitFor();
  await page.goto(await linkIn(mail, "login"));
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: "No project yet" }).waitFor();

  await page.goto(verificationUrlComplete);
  expect(await page.getByLabel("Code").inputValue()).toBe(userCode);
  await page.getByRole("button", { name: "Look" }).click();
  await page.getByText("laptop", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Let it in" }).click();
  await page.getByText("Go on in your terminal").waitFor();
  const told = await call(server, "POST", "/api/auth/device/token", { body: { deviceCode } });
  expect((await call(server, "GET", "/v1/me", { token: createdKey.parse(told.body).key })).text).toContain(owner.email);
});

it("takes an invited person without an account in", async () => {
  await using mail = await startMailServer();
  await using server = await startTestServer({ dashboardFolder: folder, env: mail.env });
  const { token, workspaceId } = await becomeOwner(server);
  const email = "bo@example.com";
  await call(server, "POST", `/v1/workspaces/${workspaceId}/invites`, { token, body: { email, role: "member" } });
  const page = await browser.newPage({ baseURL: server.url });
  page.setDefaultTimeout(15_000);

  await page.goto(await linkIn(mail, "invite"));
  await page.getByRole("button", { name: "Accept" }).click();
  await page.getByText("This needs a key or a session.").waitFor();
  await page.getByRole("link", { name: "sign in" }).click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByRole("button", { name: "Send me a link" }).click();
  await page.goto(await linkIn(mail, "login"));
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL("**/projects");
  await page.goto(await linkIn(mail, "invite"));
  await page.getByRole("button", { name: "Accept" }).click();
  await page.waitForURL("**/projects");
  const members = await call(server, "GET", `/v1/workspaces/${workspaceId}/members`, { token });
  expect(members.body["items"]).toMatchObject([{ email, role: "member" }, { role: "owner" }]);
});
