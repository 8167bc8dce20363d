import { expect, expectTypeOf, it } from "vitest";
import { addressOf, type AnswerOf, type ArgumentsOf } from "./operation.ts";
import { getMe, getRunsRunIdLogs, postProjects } from "./operations.ts";
import type { CreateProjectAnswer } from "./project.ts";

it("fills in parameters and query, leaves out what is not given, and lets no value out of its place", () => {
  expect(addressOf(getMe)).toBe("/v1/me");
  expect(addressOf(getRunsRunIdLogs, { params: { runId: "run_1" } })).toBe("/v1/runs/run_1/logs");
  const hostile = { params: { runId: "../me?x=#" }, query: { q: "a b&tail=1", after: 0, level: undefined } };
  expect(addressOf(getRunsRunIdLogs, hostile)).toBe("/v1/runs/..%2Fme%3Fx%3D%23/logs?q=a%20b%26tail%3D1&after=0");
});

it("knows what each operation needs and gives", () => {
  expectTypeOf<ArgumentsOf<typeof getMe>>().toEqualTypeOf<[]>();
  expectTypeOf<AnswerOf<typeof postProjects>>().toEqualTypeOf<CreateProjectAnswer>();
  // @ts-expect-error a parameter is missing
  addressOf(getRunsRunIdLogs);
  // @ts-expect-error a query that the route does not know
  addressOf(getRunsRunIdLogs, { params: { runId: "run_1" }, query: { since: 1 } });
  // @ts-expect-error a body that lacks the repository
  addressOf(postProjects, { body: { name: "shop" } });
});
