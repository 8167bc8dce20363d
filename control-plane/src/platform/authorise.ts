import { type IdPrefix, uuidOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { leaseHeader } from "@feedback-chat/protocol/worker";
import type { Proven } from "./authenticate.ts";
import { type HeldLease, hasRole, type Role, roles, type Tenant, type Who } from "./caller.ts";
import type { Name, Named } from "./find-tenants.ts";
import type { Route, TenantOf } from "./route.ts";

type Deps = {
  /** Whose these things are, in their order. */
  findTenants: (names: readonly Name[]) => Promise<Named[]>;
};
type Found = NonNullable<Named>;
type Authorised = { tenant: Tenant | null; ids: Record<string, string>; lease: HeldLease | null };

const prefixes: Record<TenantOf, IdPrefix> = {
  project: "prj", workspace: "ws", run: "run", job: "job", key: "key", credential: "crd", worker: "wrk", feedback: "fb",
  webhook_event: "whe",
}; // prettier-ignore

/**
 * Decides whether the caller may use the route on the things that its path names.
 * Another tenant's id and an id that never was get the same `not_found`.
 * @throws Problem not_found, forbidden, lease_lost
 */
export async function authorise<D>(
  { findTenants }: Deps,
  spec: Route<D>,
  { caller, found: known }: Proven,
  { params, request }: { params: Record<string, string>; request: Request },
): Promise<Authorised> {
  const allowed = new Set<Who>(Array.isArray(spec.who) ? (spec.who as Who[]) : [spec.who as Who]);
  const names = namesIn(spec, params);
  const ids = Object.fromEntries(names.map(({ name, id }) => [name, id]));
  const found = (known ?? (await findTenants(names))).map((one): Found => {
    if (!one) throw notFound();
    return one;
  });
  const tenant = found[0] ?? null;
  if (
    found.some(
      (other) =>
        other.workspaceId !== tenant?.workspaceId ||
        (tenant.projectId !== null && other.projectId !== tenant.projectId),
    )
  )
    throw notFound();
  // `github` proves itself by a signature over the body: its feature checks it.
  if (allowed.has("anyone") || allowed.has("github")) return { tenant, ids, lease: null };
  if (caller.kind === "worker") {
    if (tenant && tenant.workspaceId !== caller.workspaceId) throw notFound();
    if (allowed.has("lease")) return { tenant, ids, lease: heldLease(found, ids["jobId"] ?? "", request) };
    if (allowed.has("worker")) return { tenant, ids, lease: null };
    throw forbidden("A worker key cannot do this.", forPeople);
  }
  if (caller.kind === "reporter") {
    if (allowed.has("reporter") && ids["feedbackId"] === caller.feedbackId) return { tenant, ids, lease: null };
    throw tenant ? notFound() : forbidden("A reporter's link opens one report.");
  }
  if (caller.kind === "key") {
    if (!tenant || tenant.projectId !== caller.projectId)
      throw tenant ? notFound() : forbidden("A project key cannot do this.", forPeople);
    if ([...allowed].some((who) => who.startsWith("key:") && caller.scopes.includes(who.slice(4))))
      return { tenant, ids, lease: null };
    const scopes = [...allowed].filter((who) => who.startsWith("key:")).map((who) => who.slice(4));
    if (scopes.length === 0) throw forbidden("A project key cannot do this.", forPeople);
    throw forbidden(`This key lacks the scope ${scopes.join(" or ")}.`, "Make a key that has it, and use that one.");
  }
  if (caller.kind === "user") {
    if (allowed.has("user") || (allowed.has("operator") && caller.isOperator)) return { tenant, ids, lease: null };
    const least = roles.find((role) => allowed.has(role));
    const held: Role | undefined = tenant ? caller.roles[tenant.workspaceId] : undefined;
    if (tenant && !held) throw notFound();
    if (least && hasRole(held, least)) return { tenant, ids, lease: null };
    if (least) throw forbidden(`This needs the role ${least}.`);
    if (allowed.has("operator"))
      throw forbidden("This is for the operator of the instance.", "Ask who runs this server.");
    throw forbidden("This is not for people.", "Send the key or the link that this address is for.");
  }
  throw new Problem("unauthenticated", "This needs a key or a session.");
}

/** What a path names, with its parameter. @throws Problem not_found for what has not the form of an id of that kind */
export function namesIn<D>(spec: Route<D>, params: Record<string, string>): (Name & { name: string })[] {
  return Object.entries(spec.of ?? {}).map(([name, kind]) => ({
    name,
    kind,
    id: uuidOf(prefixes[kind], params[name] ?? ""),
  }));
}

/** Read from the header; whether it still holds is each verb's `where` (no row there = lease_lost). */
function heldLease(found: Found[], jobId: string, request: Request): HeldLease {
  const [, attempt, token] = /^(\d{1,9})\.([0-9a-f-]{36})$/.exec(request.headers.get(leaseHeader) ?? "") ?? [];
  if (!attempt || !token)
    throw new Problem("lease_lost", "The header `Lease: <attempt>.<token>` is missing or malformed.");
  const { projectId, runId } = found.find((one) => one.runId !== null) ?? {};
  if (!projectId || !runId) throw notFound();
  return { jobId, runId, projectId, attempt: Number(attempt), token };
}

const notFound = () => new Problem("not_found", "There is nothing with this id that you could see.");
const forPeople = "Log in, or send a CLI token of your own.";
const forbidden = (detail: string, next?: string) =>
  new Problem("forbidden", detail, next === undefined ? {} : { next });
