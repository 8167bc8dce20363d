import type { ProblemCode } from "@feedback-chat/protocol/problem";
import type { Context } from "hono";
import type * as z from "zod";
import type { Caller, HeldLease, Tenant, Who } from "./caller.ts";

/** Kinds of things that an id in a path can name; `resolve-tenant.ts` finds whose they are. */
export type TenantOf =
  | "project"
  | "workspace"
  | "run"
  | "job"
  | "key"
  | "credential"
  | "worker"
  | "feedback"
  | "webhook_event";

type Shape = z.ZodType | undefined;
type Out<S extends Shape> = S extends z.ZodType ? z.output<S> : undefined;

export type RouteInput<D, P extends Shape, Q extends Shape, B extends Shape> = {
  deps: D;
  caller: Caller;
  /** Whose thing the path names; null for routes without one. */
  tenant: Tenant | null;
  /** Uuids of the ids in the path, by parameter name. */
  ids: Record<string, string>;
  /** Set for `who: "lease"`: proven for this job and attempt. Every write still carries it in its `where`. */
  lease: HeldLease | null;
  params: Out<P>;
  query: Out<Q>;
  body: Out<B>;
  /** The raw request, for the few that need bytes, headers or a stream. */
  c: Context;
  requestId: string;
  /** Fires when the client went away. */
  signal: AbortSignal;
  /** For answers that last: throws as soon as the caller may not use this route any more. */
  recheck: () => Promise<void>;
  /** The same for streams, which may be many: asked together with others, and answered a little later. */
  recheckTogether: () => Promise<void>;
};

export type RouteSpec<D, P extends Shape, Q extends Shape, B extends Shape, A extends Shape> = {
  method: "get" | "post" | "put" | "patch" | "delete";
  path: string;
  who: Who | readonly Who[];
  /** Which path parameter names the tenant's thing, and what it is, such as `{ projectId: "project" }`. */
  of?: Record<string, TenantOf>;
  params?: P;
  query?: Q;
  /** JSON body. Routes that read raw bytes leave it out and use `c`. */
  body?: B;
  answer?: A;
  /** Status of a good answer; default 200. A handler may answer with its own Response instead. */
  status?: 200 | 201 | 202 | 204;
  problems?: readonly ProblemCode[];
  /** Repeats with the same `Idempotency-Key` get the stored answer. For POSTs that create. */
  isCreating?: boolean;
  /** Of `anyone`, as often as they like: load balancers look every second. */
  isUnlimited?: boolean;
  /** For a person's browser: its problems are pages too. */
  isPage?: boolean;
  /** The answer carries a secret of ours: what is kept of it for repeats is sealed. */
  hasSecrets?: boolean;
  handle(input: RouteInput<D, P, Q, B>): Promise<(A extends z.ZodType ? z.input<A> : unknown) | Response>;
};

/** One row of the table of routes: the tests of rights, OpenAPI and the client are made from it. */
export type Route<D> = RouteSpec<D, Shape, Shape, Shape, Shape>;

/**
 * Declares one route of a feature; its verbs are called with `deps`.
 * @example export const routes = [route<Deps>()({ method: "get", path: "/v1/me", who: "user", handle: … })]
 */
export function route<D>() {
  return <
    P extends Shape = undefined,
    Q extends Shape = undefined,
    B extends Shape = undefined,
    A extends Shape = undefined,
  >(
    spec: RouteSpec<D, P, Q, B, A>,
  ): Route<D> => spec as unknown as Route<D>;
}
