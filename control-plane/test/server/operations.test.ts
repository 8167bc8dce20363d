import { join } from "node:path";
import { expect, it } from "vitest";
import { routes } from "../../src/app.ts";
import { operationIdOf } from "../../src/openapi/operation-id.ts";
import { operationsSource, protocolFolder } from "../support/operations-source.ts";

it("keeps the typed client's operations at what the table of routes says (vitest -u writes them)", async () => {
  const source = await operationsSource(routes);
  const names = [...source.matchAll(/^export const (\w+) /gm)].map(([, name]) => name);
  expect(new Set(names)).toEqual(new Set(routes.map(operationIdOf)));
  expect(names.length).toBe(routes.length);
  await expect(source).toMatchFileSnapshot(join(protocolFolder, "operations.ts"));
});

it("would see a route that changed: a schema of nobody is refused, another name of a query is another text", async () => {
  const source = await operationsSource(routes);
  const [first, ...rest] = routes;
  expect(await operationsSource(rest)).not.toBe(source);
  const moved = [{ ...first!, path: "/v1/elsewhere" }, ...rest];
  expect(await operationsSource(moved)).not.toBe(source);
});
