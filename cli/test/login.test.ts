import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { openWorld, type World } from "@feedback-chat/testing/open-world";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fromSource, type Home, makeHome, runCli, startCli } from "./support/run-cli.ts";

let world: World;
let session: Record<string, string>;
beforeAll(async () => {
  // A code is good for 12 s, and asked about ten times a second.
  world = await openWorld({ databaseUrl: process.env["TEST_DATABASE_URL"], figuresScale: 0.02 });
  session = await signIn();
});
afterAll(() => world[Symbol.asyncDispose]());

/** What a browser sends: a session of the owner's, from a page of this server. */
async function signIn(): Promise<Record<string, string>> {
  const headers = { "content-type": "application/json", origin: world.tap.url };
  const body = JSON.stringify({ email: "owner@example.com", password: "a long password" });
  const answer = await fetch(`${world.tap.url}/api/auth/sign-in/email`, { method: "POST", headers, body });
  expect(answer.status).toBe(200);
  const cookie = answer.headers.getSetCookie().map((one) => one.split(";")[0]).join("; "); // prettier-ignore
  return { ...headers, cookie };
}
const decide = async (userCode: string, decision: "approved" | "denied") => {
  const body = JSON.stringify({ userCode, decision });
  const answer = await fetch(`${world.tap.url}/v1/device/decide`, { method: "POST", headers: session, body });
  expect(answer.status).toBe(204);
};
const codeShown = /#code=([A-Z]{4}-[A-Z]{4})/;
/** Umask 000: whatever the machine's habits are, the token is for its user only. */
const careless = ["sh", "-c", 'umask 000; exec "$@"', "sh", ...fromSource];
const at = (home: Home) => ({ ...home.env, FEEDBACK_CHAT_URL: world.tap.url });
const meWith = (token: string) =>
  fetch(`${world.tap.url}/v1/me`, { headers: { authorization: `Bearer ${token}` } }).then(({ status }) => status);

async function storedToken(file: string): Promise<string> {
  return /fcu_\w+/.exec(await readFile(file, "utf8"))?.[0] ?? "";
}

describe("login", () => {
  it("case 29: lets a machine without a browser in by its code, keeps the token 0600, and logs out for good", async () => {
    using home = makeHome();
    await using started = startCli(["login", "--quiet"], at(home), careless);
    const [, userCode = ""] = await started.said(codeShown);
    await decide(userCode, "approved");
    expect(await started.ended).toMatchObject({ code: 0, stdout: "" });
    const told = await runCli(["whoami", "--json"], at(home));
    const { data } = JSON.parse(told.stdout) as { data: { workspaces: { role: string }[] } };
    expect(data).toMatchObject({ user: { email: "owner@example.com" }, tokenFrom: "stored login" });
    expect(data.workspaces.map(({ role }) => role)).toEqual(["owner"]);

    // Again, as JSON: the first token is revoked, since nobody has it any more.
    const file = `${home.folder}/.config/feedback-chat/logins.json`;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700);
    const first = await storedToken(file);
    await using again = startCli(["login", "--json"], at(home), careless);
    await decide((await again.said(/"userCode":"([A-Z-]+)"/))[1] ?? "", "approved");
    const lines = (await again.ended).stdout.trim().split("\n").map((line) => JSON.parse(line) as object); // prettier-ignore
    expect(lines).toMatchObject([{ type: "login.code" }, { ok: true, command: "login", data: { file } }]);
    const second = await storedToken(file);
    expect(second).not.toBe(first);
    expect([await meWith(first), await meWith(second)]).toEqual([401, 200]);

    expect(await runCli(["logout"], at(home))).toMatchObject({ code: 0 });
    expect(await meWith(second)).toBe(401);
    expect(await storedToken(file)).toBe("");
    expect((await runCli(["whoami"], at(home))).code).toBe(4);
    expect((await runCli(["logout"], at(home))).code).toBe(4);
  });

  it("says that a person refused, and that the code is over; nothing is stored", async () => {
    using home = makeHome();
    await using refused = startCli(["login"], at(home));
    await using late = startCli(["login"], at(home));
    await decide((await refused.said(codeShown))[1] ?? "", "denied");
    expect(await refused.ended).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/A person refused this login/),
    });
    expect(await late.ended).toMatchObject({ code: 5, stderr: expect.stringMatching(/The code is over/) });
    expect((await runCli(["whoami"], at(home))).code).toBe(4);
  });

  it("takes no token along a way that others read, none that is none, and ends at Ctrl-C", async () => {
    using home = makeHome();
    const open = await runCli(["login", "--url", "http://control.example"], home.env);
    expect(open).toMatchObject({ code: 2, stderr: expect.stringMatching(/shows the token to the network/) });
    const none = await runCli(["login", "--token-stdin"], at(home));
    expect(none).toMatchObject({ code: 2, stderr: expect.stringMatching(/no CLI token/) });
    const given = ["sh", "-c", `printf '%s\\n' "$TOKEN" | "$@"`, "sh", ...fromSource];
    const taken = await runCli(["login", "--token-stdin"], { ...at(home), TOKEN: world.token }, given);
    expect(taken).toMatchObject({ code: 0, stderr: expect.stringMatching(/as owner@example.com/) });
    await using waiting = startCli(["login"], at(home));
    await waiting.said(codeShown);
    waiting.kill("SIGINT");
    expect((await waiting.ended).code).toBe(130);
    expect((await runCli(["logout", "--local"], at(home))).code).toBe(0);
    expect(await meWith(world.token)).toBe(200);
  });
});
