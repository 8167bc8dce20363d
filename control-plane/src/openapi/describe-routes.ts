import { problems } from "@feedback-chat/protocol/problem";
import * as z from "zod";
import { packageVersion } from "../platform/package-version.ts";
import type { Route } from "../platform/route.ts";
import { operationIdOf } from "./operation-id.ts";

type Json = Record<string, unknown>;
// oxlint-disable-next-line typescript/no-explicit-any -- the table's rows have features of their own
type AnyRoute = Route<any>;

const problemRef = { $ref: "#/components/schemas/Problem" };
/** Any route may answer with these. */
const everywhere = ["invalid_request", "rate_limited", "unavailable"] as const;
const problemDetails = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(problems) as [string, ...string[]]),
  next: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** The table of routes as an OpenAPI 3.1 document: nothing in it is written twice. */
export function describeRoutes(routes: readonly AnyRoute[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "feedback-chat control plane",
      version: packageVersion,
      license: { name: "MIT", identifier: "MIT" },
      description:
        "Every path under `/v1` answers under `/api/v1` too. Errors are RFC 9457 problems with a `code` and a `next`.",
    },
    paths,
    components: {
      schemas: { Problem: schemaOf(problemDetails, "output") },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "A project key, worker key or CLI token." },
        session: { type: "apiKey", in: "cookie", name: "__Host-feedback-chat.session_token" },
      },
    },
  };
}

function operationOf(route: AnyRoute): Json {
  const who = [route.who].flat();
  const isOpen = who.includes("anyone") || who.includes("github");
  const isPerson = who.some((one) => !/^(key:|worker$|lease$)/.test(one));
  return {
    operationId: operationIdOf(route),
    tags: [/^\/(?:api\/|v1\/)?([a-z]+)/.exec(route.path)?.[1] ?? "api"],
    description: `For: ${who.join(", ")}.`,
    security: isOpen ? [] : [{ bearer: [] }, ...(isPerson ? [{ session: [] }] : [])],
    parameters: [
      ...pathParameters(route),
      ...queryParameters(route),
      ...(who.includes("lease") ? [leaseParameter] : []),
    ],
    ...(route.body ? { requestBody: { required: true, content: jsonOf(schemaOf(route.body, "input")) } } : {}),
    responses: responsesOf(route),
  };
}

const leaseParameter = {
  name: "lease", in: "header", required: true, description: "`<attempt>.<token>` of the lease.", schema: { type: "string" },
}; // prettier-ignore

function pathParameters({ path, params }: AnyRoute): Json[] {
  const known = propertiesOf(params);
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name, in: "path", required: true, schema: known[name] ?? { type: "string" },
  })); // prettier-ignore
}

function queryParameters({ query }: AnyRoute): Json[] {
  const required = new Set((query ? (schemaOf(query, "input")["required"] as string[] | undefined) : undefined) ?? []);
  return Object.entries(propertiesOf(query)).map(([name, schema]) => ({
    name, in: "query", required: required.has(name), schema,
  })); // prettier-ignore
}

function propertiesOf(schema: z.ZodType | undefined): Record<string, Json> {
  return schema ? ((schemaOf(schema, "input")["properties"] as Record<string, Json> | undefined) ?? {}) : {};
}

function responsesOf({ status = 200, answer, problems: own = [] }: AnyRoute): Json {
  const codes = [...new Set([...own, ...everywhere])];
  const byStatus = Object.groupBy(codes, (code) => String(problems[code].status));
  const failures = Object.entries(byStatus).map(([failed, of = []]) => [
    failed,
    { description: of.join(", "), content: { "application/problem+json": { schema: problemRef } } },
  ]);
  const good = {
    description: "Done.",
    ...(answer && status !== 204 ? { content: jsonOf(schemaOf(answer, "output")) } : {}),
  };
  return { ...Object.fromEntries(failures), [String(status)]: good };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: "any", target: "draft-2020-12" });
  return described as Json;
}

const jsonOf = (schema: Json) => ({ "application/json": { schema } });
