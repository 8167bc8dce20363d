import { leaseHeader, leaseHeaderValue } from "@feedback-chat/protocol/worker";
import fc from "fast-check";
import type { Route } from "../../src/platform/route.ts";
import { junkBytes, junkText } from "./junk.ts";
import { jsonOf } from "./json-of.ts";
import type { FuzzTenant } from "./open-fuzz-scene.ts";
import type { RawRequest } from "./send-raw.ts";

type Spec = Pick<Route<never>, "method" | "path" | "who" | "query" | "body">;

/** Requests to one route by a caller who may use it; most are nearly right, so that they get beyond the checks. */
export function requestOf(spec: Spec, tenant: FuzzTenant): fc.Arbitrary<RawRequest> {
  const ids = Object.values(tenant.ids);
  return fc.record({
    method: fc.constant(spec.method.toUpperCase()),
    path: fc.tuple(pathOf(spec, tenant), queryOf(spec, ids)).map(([path, query]) => `${path}${query}`),
    headers: headersOf(spec, tenant),
    body: bodyOf(spec, ids),
  });
}

/** Nothing that would end the request's first line. */
const onTheLine = (text: string) => encodeURIComponent(text.toWellFormed()).replaceAll("%25", "%");

function pathOf({ path }: Spec, { ids }: FuzzTenant): fc.Arbitrary<string> {
  const parts = path.split("/").map((part) => {
    if (!part.startsWith(":")) return fc.constant(part);
    const good = fc.constantFrom(ids[part.slice(1)] ?? "x");
    const others = fc.constantFrom(...Object.values(ids));
    return fc.oneof(
      { weight: 12, arbitrary: good },
      { weight: 1, arbitrary: others },
      { weight: 1, arbitrary: junkText.map(onTheLine) },
    );
  });
  return fc.tuple(...parts).map((all) => all.join("/"));
}

function queryOf({ query }: Spec, ids: readonly string[]): fc.Arbitrary<string> {
  const pair = fc.tuple(junkText, junkText);
  const others = fc.array(
    fc.oneof(
      pair,
      pair.map(([, value]) => ["cursor", value] as const),
    ),
    { maxLength: 2 },
  );
  const named = query ? jsonOf(query, ids) : fc.constant({});
  return fc.tuple(named, others, fc.nat(3)).map(([fields, more, die]) => {
    const own = typeof fields === "object" && fields !== null ? Object.entries(fields) : [];
    const all = [...own.map(([name, value]) => [name, textOf(value)] as const), ...(die === 0 ? more : [])];
    return all.length === 0 ? "" : `?${all.map(([name, value]) => `${onTheLine(name)}=${onTheLine(value)}`).join("&")}`;
  });
}

const textOf = (value: unknown) => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));

/** Header values as they may stand on the wire: each character one byte, none a control. */
const headerText = junkText.map((text) =>
  Array.from(text.slice(0, 2_000), (one) =>
    String.fromCharCode((one.charCodeAt(0) & 0xff) % 127 < 32 ? 32 : one.charCodeAt(0) & 0xff),
  ).join(""),
);

function headersOf({ who, body }: Spec, tenant: FuzzTenant): fc.Arbitrary<[string, string][]> {
  const lease = tenant.lease ? leaseHeaderValue(tenant.lease) : "1.x";
  const good: [string, string][] = [
    ...tokenFor(who, tenant).map((token): [string, string] => ["Authorization", `Bearer ${token}`]),
    [leaseHeader, lease],
    ...(body ? [["Content-Type", "application/json"] as [string, string]] : []),
  ];
  const names = fc.constantFrom(
    "Idempotency-Key", "Last-Event-ID", "Content-Type", "Authorization", "Lease", "Cookie", "Origin", "Accept", "X-Forwarded-For", "If-None-Match",
    "Range", "Accept-Encoding", "Content-Encoding", "X-HTTP-Method-Override", "User-Agent",
  ); // prettier-ignore
  const odd = fc.array(fc.tuple(names, headerText), { minLength: 1, maxLength: 3 });
  return fc.tuple(odd, fc.nat(3)).map(([more, die]) => [...good, ...(die === 0 ? more : [])]);
}

function tokenFor(who: Spec["who"], { tokens }: FuzzTenant): string[] {
  const all = [who].flat();
  if (all.some((one) => one === "anyone" || one === "github")) return [];
  if (all.some((one) => one === "worker" || one === "lease")) return [tokens.worker];
  if (all.includes("reporter")) return [tokens.reporter];
  return all.every((one) => one.startsWith("key:")) ? [tokens.key] : [tokens.user];
}

function bodyOf({ body, method }: Spec, ids: readonly string[]): fc.Arbitrary<Buffer | null> {
  if (method === "get") return fc.constant(null);
  const junk = { weight: 1, arbitrary: junkBytes };
  if (!body) return fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, junk);
  const json = jsonOf(body, ids).map((value) => Buffer.from(JSON.stringify(value) ?? "null"));
  return fc.oneof({ weight: 12, arbitrary: json }, junk);
}
