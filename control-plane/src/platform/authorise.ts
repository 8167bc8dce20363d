import { type IdPrefix, uuidOf } from "@feedback-chat/protocol/ids";
import { Problem } from "@feedback-chat/protocol/problem";
import { leaseHeader } from "@feedback-chat/protocol/worker";
import { sql } from "kysely";
import { type Caller, type HeldLease, hasRole, type Role, roles, type Tenant, type Who } from "./caller.ts";
import type { Db } from "./database.ts";
import type { Route, TenantOf } from "./route.ts";

type Deps = { db: Db };
/** `runId`: of a job. */
type Named = Tenant & { runId: string | null };
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
  deps: Deps,
  spec: Route<D>,
  caller: Caller,
  { params, request }: { params: Record<string, string>; request: Request },
): Promise<Authorised> {
  const allowed = new Set<Who>(Array.isArray(spec.who) ? (spec.who as Who[]) : [spec.who as Who]);
  const ids: Record<string, string> = {};
  const found: Named[] = [];
  for (const [name, kind] of Object.entries(spec.of ?? {})) {
    ids[name] = uuidOf(prefixes[kind], params[name] ?? "");
    found.push(await tenantOf(deps, kind, ids[name]));
  }
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
    throw forbidden("A worker key cannot do this.");
  }
  if (caller.kind === "reporter") {
    if (allowed.has("reporter") && ids["feedbackId"] === caller.feedbackId) return { tenant, ids, lease: null };
    throw tenant ? notFound() : forbidden("A reporter's link opens one report.");
  }
  if (caller.kind === "key") {
    if (!tenant || tenant.projectId !== caller.projectId)
      throw tenant ? notFound() : forbidden("A project key cannot do this.");
    if ([...allowed].some((who) => who.startsWith("key:") && caller.scopes.includes(who.slice(4))))
      return { tenant, ids, lease: null };
    throw forbidden("This key lacks the scope.");
  }
  if (caller.kind === "user") {
    if (allowed.has("user") || (allowed.has("operator") && caller.isOperator)) return { tenant, ids, lease: null };
    const least = roles.find((role) => allowed.has(role));
    const held: Role | undefined = tenant ? caller.roles[tenant.workspaceId] : undefined;
    if (tenant && !held) throw notFound();
    if (least && hasRole(held, least)) return { tenant, ids, lease: null };
    throw forbidden(least ? `This needs the role ${least}.` : "A person cannot do this.");
  }
  throw new Problem("unauthenticated", "This needs a key or a session.");
}

async function tenantOf({ db }: Deps, kind: TenantOf, id: string): Promise<Named> {
  const { rows } = await sql<{ workspace_id: string | null; project_id: string | null; run_id: string | null }>`
    select workspace_id, project_id, run_id from fc.tenant_of(${kind}, ${id})`.execute(db);
  const row = rows[0];
  if (!row?.workspace_id) throw notFound();
  return { workspaceId: row.workspace_id, projectId: row.project_id, runId: row.run_id };
}

/** Read from the header; whether it still holds is each verb's `where` (no row there = lease_lost). */
function heldLease(found: Named[], jobId: string, request: Request): HeldLease {
  const [, attempt, token] = /^(\d{1,9})\.([0-9a-f-]{36})$/.exec(request.headers.get(leaseHeader) ?? "") ?? [];
  if (!attempt || !token)
    throw new Problem("lease_lost", "The header `Lease: <attempt>.<token>` is missing or malformed.");
  const { projectId, runId } = found.find((one) => one.runId !== null) ?? {};
  if (!projectId || !runId) throw notFound();
  return { jobId, runId, projectId, attempt: Number(attempt), token };
}

const notFound = () => new Problem("not_found", "There is nothing with this id that you could see.");
const forbidden = (detail: string) => new Problem("forbidden", detail);
