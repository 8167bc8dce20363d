import { createHmac, randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { issueEvent, webhookSecret } from "../support/webhook-scene.ts";
import { expectAnswer } from "./expect-answer.ts";
import { fuzzRuns } from "./fuzz-runs.ts";
import { junkBytes, junkJson, junkText } from "./junk.ts";
import { type FuzzScene, openFuzzScene } from "./open-fuzz-scene.ts";
import { type RawRequest, sendRaw } from "./send-raw.ts";

let scene: FuzzScene;
beforeAll(async () => {
  scene = await openFuzzScene();
});
afterAll(() => scene[Symbol.asyncDispose]());

const pull = {
  number: 3, html_url: "https://github.com/acme/shop/pull/3", state: "closed", merged: true, merge_commit_sha: "a".repeat(40),
  head: { ref: "feedback/issue-7-abc", sha: "b".repeat(40), repo: { id: 4_711 } }, base: { repo: { id: 4_711 } },
}; // prettier-ignore
const shared = { repository: { id: 4_711, full_name: "acme/shop", private: false }, sender: { login: "maintainer" } };
const payloads: Record<string, object> = {
  issues: issueEvent(),
  pull_request: { action: "closed", pull_request: pull, ...shared },
  deployment_status: {
    deployment_status: { state: "success", environment_url: "https://preview.example.com", target_url: null },
    deployment: { sha: "b".repeat(40), ref: "feedback/issue-7-abc", environment: "Preview", production_environment: false },
    ...shared,
  },
  ping: { zen: "Design for failure.", ...shared },
  installation: { action: "deleted", ...shared },
}; // prettier-ignore
const actions = ["opened", "labeled", "unlabeled", "edited", "closed", "reopened", "deleted", "transferred", "renamed", "synchronize"]; // prettier-ignore

/** A payload of GitHub's in which up to three members, however deep, are something else. */
const mutated = fc.tuple(
  fc.constantFrom(...Object.entries(payloads)),
  fc.array(fc.tuple(fc.nat(60), junkJson), { maxLength: 3 }),
  fc.option(fc.constantFrom(...actions)),
  fc.nat(1_000),
).map(([[event, payload], changes, action, number]) => {
  const copy = structuredClone(payload) as Record<string, unknown>;
  if (action !== null) copy["action"] = action;
  if ("issue" in copy) (copy["issue"] as Record<string, unknown>)["number"] = number + 1;
  for (const [at, value] of changes) {
    const places = placesIn(copy);
    const [holder, name] = places[at % places.length] ?? [copy, "action"];
    holder[name] = value;
  }
  return { event, body: Buffer.from(JSON.stringify(copy)) };
}); // prettier-ignore

function placesIn(root: Record<string, unknown>, depth = 0): [Record<string, unknown>, string][] {
  return Object.entries(root).flatMap(([name, value]) => [
    [root, name] as [Record<string, unknown>, string],
    ...(depth < 6 && typeof value === "object" && value !== null
      ? placesIn(value as Record<string, unknown>, depth + 1).slice(0, 40)
      : []),
  ]);
}

const contentTypes = ["application/json", "application/x-www-form-urlencoded", "text/plain", "application/json; charset=latin1"]; // prettier-ignore
const delivery = fc.record({
  content: fc.oneof(
    { weight: 6, arbitrary: mutated },
    {
      weight: 1,
      arbitrary: fc.record({ event: fc.constantFrom("issues", "pull_request", "x".repeat(70), "no event"), body: junkBytes }),
    },
  ),
  contentType: fc.oneof({ weight: 8, arbitrary: fc.constant(contentTypes[0] ?? "") }, fc.constantFrom(...contentTypes)),
  isForm: fc.boolean(),
  guid: fc.option(junkText.map((text) => text.replaceAll(/[^\x20-\x7e]/g, "?")), { freq: 8 }),
}); // prettier-ignore

it("a signed delivery, whatever is in it, is stored, ignored or refused, and never breaks", async () => {
  const { ids } = await scene.tenant();
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(delivery, async ({ content, contentType, isForm, guid }) => {
      const asForm = isForm && contentType.includes("form");
      const body = asForm
        ? Buffer.from(new URLSearchParams({ payload: content.body.toString() }).toString())
        : content.body;
      const request: RawRequest = {
        method: "POST",
        path: `/api/webhook/${ids["projectId"]}`,
        headers: [
          ["Content-Type", contentType],
          ["X-GitHub-Event", content.event],
          ["X-GitHub-Delivery", guid ?? randomUUID()],
          ["X-Hub-Signature-256", `sha256=${createHmac("sha256", webhookSecret).update(body).digest("hex")}`],
        ],
        body,
      };
      const answer = await sendRaw(scene.port, request);
      seen.add(answer.status);
      expectAnswer(scene, request, answer);
    }),
    fuzzRuns(150),
  );
  // It got beyond the signature: some were taken, some ignored, some refused.
  expect(seen).toEqual(new Set([200, 202, 400]));
}, 600_000);

it("login, links and other paths beside the table take any form, and never break", async () => {
  const paths = [
    "sign-in/email", "sign-in/magic-link", "sign-out", "change-password", "revoke-other-sessions", "forget-password", "sign-in/social",
    "magic-link/verify", "callback/github", "get-session", "nothing/here",
  ]; // prettier-ignore
  const form = fc.dictionary(
    fc.constantFrom("email", "password", "newPassword", "currentPassword", "callbackURL", "provider", "token", "x"),
    fc.oneof(junkText, junkJson),
  );
  const text = junkText.map((one) => encodeURIComponent(one.toWellFormed()).replaceAll("%25", "%").slice(0, 1_000));
  const asked = fc.record({
    method: fc.constantFrom("GET", "POST", "PUT", "HEAD", "OPTIONS"),
    path: fc.tuple(fc.constantFrom(...paths), fc.option(fc.tuple(text, text))).map(
      ([path, query]) => `/api/auth/${path}${query ? `?token=${query[0]}&state=${query[1]}&code=${query[0]}` : ""}`,
    ),
    body: fc.oneof(form.map((value) => Buffer.from(JSON.stringify(value))), junkBytes),
    origin: fc.constantFrom("http://localhost", "https://evil.example", ""),
  }); // prettier-ignore
  await fc.assert(
    fc.asyncProperty(asked, async ({ method, path, body, origin }) => {
      const headers: [string, string][] = [["Content-Type", "application/json"], ["Origin", origin]];
      const request = { method, path, headers, body: method === "POST" || method === "PUT" ? body : null };
      const answer = await sendRaw(scene.port, request);
      if (method === "HEAD" && answer.text === "" && answer.status < 500) return;
      expectAnswer(scene, request, answer);
    }),
    fuzzRuns(120),
  );
}, 600_000); // prettier-ignore
