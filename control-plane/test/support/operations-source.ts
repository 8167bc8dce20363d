import { readdirSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { routes } from "../../src/app.ts";
import { operationIdOf } from "../../src/openapi/operation-id.ts";

export const protocolFolder = join(import.meta.dirname, "../../../packages/protocol/src");
type Row = Pick<(typeof routes)[number], "method" | "path" | "query" | "body" | "answer" | "isCreating">;
type Named = { module: string; name: string };

/** `packages/protocol/src/operations.ts` as the table of routes says it: each schema by the name that it has there. */
export async function operationsSource(table: readonly Row[]): Promise<string> {
  const named = await readSchemas();
  const used = new Map<string, Set<string>>();
  const nameOf = (route: Row, schema: z.ZodType | undefined) => {
    if (!schema) return "null";
    const found = named.get(schema);
    if (!found) throw new Error(`${route.method} ${route.path} has a schema that is no export of the protocol.`);
    used.set(found.module, (used.get(found.module) ?? new Set()).add(found.name));
    return found.name;
  };
  const lines = table.map((route) => {
    const { method, path, query } = route;
    const names = query
      ? Object.keys(z.toJSONSchema(query, { io: "input", unrepresentable: "any" }).properties ?? {})
      : [];
    const said = `body: ${nameOf(route, route.body)}, answer: ${nameOf(route, route.answer)}, isCreating: ${route.isCreating ?? false}`;
    return `export const ${operationIdOf(route)} = { method: "${method}", path: "${path}", query: ${JSON.stringify(names)}, ${said} } as const;`;
  });
  const imports = [...used].map(
    ([module, names]) => `import { ${[...names].toSorted().join(", ")} } from "./${module}";`,
  );
  return [
    "// Made from the server's table of routes, and held to it, by control-plane/test/server/operations.test.ts:",
    "// `vitest run --project control-plane:suite operations.test -u` writes it again.",
    ...imports.toSorted(),
    "",
    ...lines.toSorted(),
    "",
  ].join("\n");
}

async function readSchemas(): Promise<Map<unknown, Named>> {
  const modules = readdirSync(protocolFolder).filter((file) => /^[a-z-]+\.ts$/.test(file) && file !== "operations.ts");
  const found = new Map<unknown, Named>();
  for (const module of modules) {
    const exported = (await import(join(protocolFolder, module))) as Record<string, unknown>;
    for (const [name, value] of Object.entries(exported))
      if (value instanceof z.ZodType && !found.has(value)) found.set(value, { module, name });
  }
  return found;
}
