import { randomUUID } from "node:crypto";
import { isProblem, Problem, problems, toProblemDetails } from "@feedback-chat/protocol/problem";
import { type Context, Hono } from "hono";
import type * as z from "zod";
import type { Authentication } from "./authenticate.ts";
import { askTogether } from "./ask-together.ts";
import { authorise, namesIn } from "./authorise.ts";
import { databaseProblem } from "./database-problem.ts";
import type { Db } from "./database.ts";
import { findTenants, type Name, type Named } from "./find-tenants.ts";
import { withIdempotency } from "./idempotency.ts";
import type { Log } from "./log.ts";
import { problemPage } from "./problem-page.ts";
import { refuseOddText } from "./refuse-odd-text.ts";
import type { Route } from "./route.ts";
import type { Sealing } from "./sealing.ts";
import { senderAddress } from "./sender-address.ts";

type Deps<D> = {
  db: Db;
  log: Log;
  authentication: Authentication;
  features: D;
  /** Needed by tables with a route that `hasSecrets`. */
  sealing?: Sealing;
  /** How long rechecks of streams are gathered. */
  gatherMs?: number;
  /** Fires when the server is asked to stop: long answers end then, as if their reader had gone. */
  stopping?: AbortSignal;
};

type Find = (names: readonly Name[]) => Promise<Named[]>;
type Mounted<D> = Deps<D> & { findAlone: Find; findTogether: Find };

const maxJsonBytes = 1024 * 1024;

/** One Hono app of a table of routes. `/v1/…` answers under `/api/v1/…` too. */
export function mountRoutes<D>(deps: Deps<D>, routes: readonly Route<D>[]): Hono {
  const findOne = askTogether(deps.gatherMs ?? 0, (names: readonly Name[]) => findTenants(deps.db, names));
  const mounted: Mounted<D> = {
    ...deps,
    findAlone: (names) => findTenants(deps.db, names),
    findTogether: (names) => Promise.all(names.map(findOne)),
  };
  const app = new Hono();
  app.notFound((c) => problemResponse(c, new Problem("not_found", "There is nothing at this address.")));
  app.onError((error, c) => answerError(deps, error, c));
  for (const spec of routes) {
    if (spec.hasSecrets && !deps.sealing)
      throw new TypeError(`${spec.method} ${spec.path} answers with a secret: it needs the vault.`);
    const paths = spec.path.startsWith("/v1/") ? [spec.path, `/api${spec.path}`] : [spec.path];
    const respond = spec.isPage ? answerPage : answer;
    for (const path of paths) app.on(spec.method.toUpperCase(), path, (c) => respond(mounted, spec, c));
  }
  return app;
}

/** A browser gets what went wrong as a page; a program, and a bug, go their ordinary way. */
async function answerPage<D>(deps: Mounted<D>, spec: Route<D>, c: Context): Promise<Response> {
  return answer(deps, spec, c).catch((error: unknown) => {
    const problem = asProblem(error);
    const isBrowser = c.req.header("accept")?.includes("text/html") ?? false;
    if (problem && isBrowser) return problemPage(problem);
    throw error;
  });
}

async function answer<D>(deps: Mounted<D>, spec: Route<D>, c: Context): Promise<Response> {
  const admit = async (how: "first" | "again" | "gathered") => {
    const named = { params: c.req.param() as Record<string, string>, request: c.req.raw };
    const jobId = named.params["jobId"] ?? null;
    const asked = {
      who: spec.who,
      address: senderAddress(c),
      jobId,
      isRecheck: how !== "first",
      isGathered: how === "gathered",
      isUnlimited: spec.isUnlimited ?? false,
      names: wellFormedNames(spec, named.params),
    };
    const proven = await deps.authentication.callerOf(c.req.raw, asked);
    const findTenants = how === "gathered" ? deps.findTogether : deps.findAlone;
    return { caller: proven.caller, ...(await authorise({ findTenants }, spec, proven, named)) };
  };
  const { caller, tenant, ids, lease } = await admit("first");
  const params = parse(spec.params, c.req.param(), "path");
  refuseOddText([c.req.param(), c.req.query()], "address");
  const query = parse(spec.query, c.req.query(), "query");
  const body = spec.body ? parse(spec.body, await readJson(c), "body") : undefined;
  // After the schemas: what workers pass on may be cut inside a letter, and theirs mend it.
  refuseOddText(body, "body");
  const run = async (db: Db) => {
    const result = await spec.handle({
      deps: db === deps.db ? deps.features : { ...deps.features, db }, caller, tenant, ids, lease, c,
      params: params as undefined, query: query as undefined, body: body as undefined,
      requestId: requestIdOf(c), get signal() { return endOf(deps, c); }, recheck: async () => void (await admit("again")),
      recheckTogether: async () => void (await admit("gathered")),
    }); // prettier-ignore
    if (result instanceof Response) return result;
    if (spec.status === 204) return c.body(null, 204);
    return c.json((spec.answer ? spec.answer.parse(result) : result) as object, spec.status ?? 200);
  };
  const vault = { db: deps.db, sealing: spec.hasSecrets ? (deps.sealing ?? null) : null };
  const asked = { caller, route: `${spec.method} ${spec.path}`, body, projectId: tenant?.projectId ?? null };
  const response = spec.isCreating ? await withIdempotency(vault, asked, c, run) : await run(deps.db);
  response.headers.set("x-request-id", requestIdOf(c));
  if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-store");
  return response;
}

/** Who calls is said first: what has not the form of an id is `authorise`'s to refuse, after that. */
function wellFormedNames<D>(spec: Route<D>, params: Record<string, string>): Name[] {
  try {
    return namesIn(spec, params);
  } catch (error) {
    if (isProblem(error, "not_found")) return [];
    throw error;
  }
}

/** When the client goes away, or the server does. Made when it is asked for: a stream of events needs none. */
function endOf<D>({ stopping }: Deps<D>, c: Context): AbortSignal {
  return stopping ? AbortSignal.any([c.req.raw.signal, stopping]) : c.req.raw.signal;
}

function parse(schema: z.ZodType | undefined, value: unknown, where: "path" | "query" | "body"): unknown {
  if (!schema) return undefined;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({
    path: path.join("."),
    message,
  }));
  const named = errors.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join("; ");
  throw new Problem(
    where === "body" ? "validation_failed" : "invalid_request",
    `The ${where} is not valid: ${named.slice(0, 500)}`,
    { errors },
  );
}

async function readJson(c: Context): Promise<unknown> {
  const type = c.req.header("content-type") ?? "";
  if (type && !/^application\/([a-z.+-]+\+)?json\b/i.test(type))
    throw new Problem("unsupported_media_type", `Bodies are JSON here, not ${type.slice(0, 80)}.`);
  const bytes = await readBytes(c, maxJsonBytes);
  if (bytes.length === 0) return {};
  return parseJson(bytes);
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new Problem("invalid_request", "The body is not JSON.", { cause: error });
  }
}

/**
 * The body's bytes, never more than `limit` in memory.
 * @throws Problem payload_too_large as soon as it is clear.
 */
export async function readBytes(c: Context, limit: number): Promise<Buffer> {
  const tooLarge = () => new Problem("payload_too_large", `At most ${limit} bytes are accepted.`);
  if (Number(c.req.header("content-length") ?? 0) > limit) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

const requestIds = new WeakMap<Request, string>();

/** One id per request, in its answer's header, in problems and in the log. */
export function requestIdOf(c: Context): string {
  const known = requestIds.get(c.req.raw);
  if (known) return known;
  const fresh = `req_${randomUUID()}`;
  requestIds.set(c.req.raw, fresh);
  return fresh;
}

/** The answer to whatever was thrown: a problem, or a bug. What is our fault is logged. */
export function answerError({ log }: { log: Log }, error: unknown, c: Context): Response {
  const problem = asProblem(error);
  const { method, path } = c.req;
  if (problem) {
    const { code, message: reason } = problem;
    // What its sender did wrong is the sender's to read; what we could not do is the operator's too.
    if (problems[code].status >= 500)
      log.warn("request.unanswered", { method, path, requestId: requestIdOf(c), code, reason, error: problem.cause });
    return problemResponse(c, problem);
  }
  log.error("request.bug", { method, path, requestId: requestIdOf(c), error });
  const bug = "Something broke on our side. It was logged under the request id.";
  return problemResponse(c, new Problem("unavailable", bug), 500);
}

/** What a person can act on. Undefined = a bug of ours. */
function asProblem(error: unknown): Problem | undefined {
  if (isProblem(error)) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  // Of the right form, and of a year that the database's calendar has not.
  if (code === "22008") return new Problem("invalid_request", "A time in it is beyond the calendar.", { cause: error });
  return databaseProblem(error);
}

export function problemResponse(c: Context, problem: Problem, status?: number): Response {
  const details = toProblemDetails(problem, requestIdOf(c));
  const body = status ? { ...details, status } : details;
  const retryAfter = problem.facts["retryAfterSeconds"] ?? (problem.code === "unavailable" ? 5 : undefined);
  return new Response(JSON.stringify(body), {
    status: body.status,
    headers: {
      "content-type": "application/problem+json",
      "x-request-id": requestIdOf(c),
      "cache-control": "no-store",
      ...(retryAfter ? { "retry-after": `${Number(retryAfter)}` } : {}),
    },
  });
}
