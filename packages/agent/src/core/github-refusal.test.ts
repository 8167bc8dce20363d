import { describe, expect, it } from "vitest";
import { readRefusal } from "./github-refusal.ts";

const now = new Date("2026-12-01T00:00:00Z");
const read = (status: number, said: string, headers: Record<string, string> = {}) =>
  readRefusal({ status, said, headers }, now);
const needs = { "x-accepted-github-permissions": "contents=write" };

describe("readRefusal", () => {
  it.each([
    [401, "Bad credentials", {}, "access", /wrong, has expired, or was revoked/, /Renew the token/],
    [403, "Resource protected by organization SAML enforcement.", { "x-github-sso": "required; url=https://github.com/orgs/acme/sso?authorization_request=A" }, "access", /single sign-on/, /Open https:\/\/github\.com\/orgs\/acme\/sso\?authorization_request=A and/],
    [403, "Although you appear to have the correct authorization credentials, the `acme` organization has an IP allow list enabled", {}, "access", /this machine's address/, /IP allow list/],
    [403, "Sorry. Your account was suspended.", {}, "access", /suspended/, /lift the suspension/],
    [403, "Repository was archived so is read-only.", needs, "refused", /archived/, /Unarchive/],
    [451, "Repository access blocked", {}, "access", /legal reasons/, /No token changes that/],
    [403, "You have been blocked by the owner", {}, "access", /blocked this account/, /another|an account that may/],
    [403, "`acme` forbids access via a personal access token (classic).", {}, "access", /rules forbid tokens of this kind/, /fine-grained/],
    [403, "Resource not accessible by integration", needs, "access", /lacks a permission/, /contents=write/],
    [403, "Resource not accessible by personal access token", needs, "access", /lacks a permission/, /contents=write/],
    [403, "Must have admin rights to Repository.", {}, "access", /lacks a role/, /Ask an admin/],
    [404, "Not Found", {}, "gone", /does not show it to this token/, /private one is not there/],
    [404, "Not Found", { "x-oauth-scopes": "read:user", "x-accepted-oauth-scopes": "repo" }, "gone", /does not show/, /scopes.*repo/],
    [410, "Issues are disabled for this repo", {}, "gone", /switched off/, /Switch it on/],
    [422, "Validation Failed", {}, "refused", /Validation Failed/, /Read GitHub's message/],
    [502, "Bad Gateway", {}, "unreachable", /did not answer \(502\)/, /Retry later/],
  ] as const)("tells %i %j with a next step", (...row) => {
    const [status, said, headers, kind, detail, next] = row;
    expect(read(status, said, headers)).toMatchObject({ kind, detail: expect.stringMatching(detail), next: expect.stringMatching(next) });
  }); // prettier-ignore

  it.each([
    [401, "Bad credentials"],
    [403, "Repository was archived so is read-only."],
    [403, "the organization has an IP allow list enabled"],
    [403, "Resource protected by organization SAML enforcement."],
    [403, "Must have admin rights to Repository."],
  ])("names no permission for %i %j", (status, said) => {
    expect(read(status, said, needs).next).not.toMatch(/contents|permission/);
  });

  it("names no scope that a classic token has", () => {
    const headers = { "x-oauth-scopes": "repo, workflow", "x-accepted-oauth-scopes": "repo, public_repo" };
    expect(read(403, "Forbidden", headers).next).not.toMatch(/scope/);
    expect(read(403, "Forbidden", { ...headers, "x-oauth-scopes": "" }).next).toMatch(/scopes.*repo, public_repo/);
  });

  it.each([
    [429, "slow", { "retry-after": "77" }, 77],
    [
      403,
      "API rate limit exceeded",
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(now.getTime() / 1000 + 90) },
      90,
    ],
    [403, "You have exceeded a secondary rate limit", {}, 60],
    [403, "You have triggered an abuse detection mechanism", {}, 60],
  ] as const)("waits after %i %j", (status, said, headers, waitSeconds) => {
    expect(read(status, said, headers)).toMatchObject({ kind: "rate", waitSeconds });
  });

  it("shows nothing of a header but plain characters, and no address off https", () => {
    const headers = {
      "x-github-sso": "required; url=javascript:alert(1)",
      "x-accepted-github-permissions": "a\u001b[2Jb",
    };
    expect(read(403, "SAML", headers).next).toBe("Authorize the token for the organization, then retry.");
    expect(read(403, "Resource not accessible by integration", headers).next).toContain(": a[2Jb.");
  });
});
