import { expect, it } from "vitest";
import { networkCause } from "./network-cause.ts";

const coded = (code: string, cause?: unknown) => Object.assign(new Error("x", { cause }), { code });

it.each([
  ["ECONNREFUSED", "refused"],
  ["ENOTFOUND", "unknown_host"],
  ["UND_ERR_CONNECT_TIMEOUT", "timeout"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "certificate"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "certificate"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "certificate"],
  ["ECONNRESET", "broken"],
])("names %s as %s, with its code", (code, kind) => {
  const found = networkCause(new TypeError("fetch failed", { cause: coded(code) }));
  expect(found).toMatchObject({ kind, detail: expect.stringContaining(code) });
});

it("names the variable that makes an authority trusted", () => {
  expect(networkCause(coded("SELF_SIGNED_CERT_IN_CHAIN"))?.next).toContain("NODE_EXTRA_CA_CERTS");
});

it("reads the status of a proxy that refuses a tunnel", () => {
  const refused = Object.assign(new Error("Proxy response (503) !== 200 when HTTP Tunneling"), {
    code: "UND_ERR_ABORTED",
  });
  expect(networkCause(new TypeError("fetch failed", { cause: refused }))).toMatchObject({
    kind: "proxy", detail: "the proxy answered 503", next: expect.stringContaining("NO_PROXY"),
  }); // prettier-ignore
});

it("reads the first of several addresses that refused", () => {
  expect(networkCause(new AggregateError([coded("ECONNREFUSED")]))?.kind).toBe("refused");
});

it("leaves bugs alone", () => expect(networkCause(new TypeError("x is not a function"))).toBeNull());
