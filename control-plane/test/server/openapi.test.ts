import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, it } from "vitest";
import { routes } from "../../src/app.ts";
import { openTestPlatform } from "../support/open-test-platform.ts";

type Document = { paths: Record<string, Record<string, { operationId: string; security: object[] }>> };

it("describes every route of the table, as a valid OpenAPI 3.1 document, to anybody", async () => {
  await using platform = await openTestPlatform();
  const answer = await platform.call("GET", "/api/openapi.json");
  expect(answer.status).toBe(200);
  const { valid, errors } = await new Validator().validate(structuredClone(answer.body));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  const { paths } = answer.body as unknown as Document;
  const told = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  const table = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
  expect(told.sort()).toEqual(table.sort());
  const names = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(new Set(names).size).toBe(names.length);
  expect(paths["/v1/jobs/{jobId}/complete"]?.["post"]?.security).toEqual([{ bearer: [] }]);
  expect(paths["/api/healthz"]?.["get"]?.security).toEqual([]);
});
