import { expect, it } from "vitest";
import { outcome } from "./worker.ts";

const published = (prUrl: string) =>
  outcome.safeParse({ kind: "published", prNumber: 1, prUrl, headSha: "c".repeat(40), isDraft: true });

it("takes a pull request's address from a worker only if people can click on it", () => {
  for (const prUrl of ["javascript:alert(1)", "data:text/html,x", "//evil.example", "no address", ""])
    expect(published(prUrl).success, prUrl).toBe(false);
  expect(published("https://github.com/acme/shop/pull/1").data).toMatchObject({
    prUrl: "https://github.com/acme/shop/pull/1",
  });
  // It is printed at terminals: as an address is written, no control character stands in it.
  expect(published("http://127.0.0.1:1/\u001b]0;x\u0007\u009b2K\u202e").data).toMatchObject({
    prUrl: "http://127.0.0.1:1/%1B]0;x%07%C2%9B2K%E2%80%AE",
  });
});
