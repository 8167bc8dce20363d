/**
 * Cuts the operations that we use out of GitHub's OpenAPI description, which is far too big for a dependency:
 *   npm pack @octokit/openapi@23.0.2 && tar xzf octokit-openapi-23.0.2.tgz
 *   node scripts/cut-openapi.ts package
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { operations } from "./openapi-operations.ts";

type Json = Record<string, unknown>;
type Content = { content?: Record<string, { schema: Json }> };
type Operation = {
  parameters?: Json[];
  requestBody?: Content;
  responses: Record<string, Json & Content>;
};
type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: Record<string, Record<string, Json>>;
};

const [folder = "package"] = process.argv.slice(2);
const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
  version: string;
};
const document = JSON.parse(await readFile(join(folder, "generated/api.github.com.json"), "utf8")) as Document;
const schemas: Record<string, unknown> = {};

function resolve<T>(value: T): T {
  const ref = (value as Json)["$ref"];
  if (typeof ref !== "string") return value;
  const [, , kind = "", name = ""] = ref.split("/");
  return document.components[kind]![name] as T;
}

/** Drops prose and examples, names schemas as `#/schemas/x`, and writes OpenAPI's `nullable` as JSON Schema does. */
function clean(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(clean);
  if (typeof value !== "object" || value === null) return value;
  const { nullable, ...schema } = value as Json;
  const ref = schema["$ref"];
  if (typeof ref === "string") return { $ref: keep(ref.split("/").at(-1)!) };
  const prose = new Set([
    "description",
    "example",
    "examples",
    "title",
    "externalDocs",
    "x-github",
    "deprecated",
    "default",
    "discriminator",
    "xml",
    "readOnly",
  ]);
  const isMap = (key: string) => ["properties", "patternProperties"].includes(key);
  const cleaned = Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => !prose.has(key))
      .map(([key, one]) => [
        key,
        isMap(key)
          ? Object.fromEntries(Object.entries(one as Json).map(([name, inner]) => [name, clean(inner)]))
          : clean(one),
      ]),
  );
  return nullable === true ? { anyOf: [cleaned, { type: "null" }] } : cleaned;
}

function keep(name: string): string {
  if (!(name in schemas)) {
    schemas[name] = true; // taken, in case that it names itself
    schemas[name] = clean(document.components["schemas"]![name]);
  }
  return `#/schemas/${name}`;
}

/** Written out in one place with an owner that is a user and an enterprise at once, which nobody can be. */
const installations: Json = { type: "array", items: { $ref: "#/components/schemas/installation" } };
const corrected: Record<string, Json> = { "GET /app/installations": installations };

const cut = operations.map((name) => {
  const [method = "", path = ""] = name.split(" ");
  const operation = document.paths[path]?.[method.toLowerCase()];
  if (!operation) throw new Error(`There is no ${name} in ${version}.`);
  const parameters = (operation.parameters ?? []).map(resolve).filter((one) => one["in"] === "query");
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  const answers = Object.entries(operation.responses).map(([status, answer]) => {
    const said = resolve(answer).content?.["application/json"]?.schema;
    const schema = status === "200" ? (corrected[name] ?? said) : said;
    return [status, schema ? clean(schema) : null];
  });
  return [
    name,
    {
      query: parameters.map((one) => one["name"]),
      body: body ? clean(body) : null,
      answers: Object.fromEntries(answers),
    },
  ];
});

const result = {
  source: `@octokit/openapi ${version}, api.github.com`,
  operations: Object.fromEntries(cut),
  schemas,
};
const target = join(import.meta.dirname, "../test/wire/openapi-operations.json");
await writeFile(target, `${JSON.stringify(result)}\n`);
process.stdout.write(`${operations.length} operations, ${Object.keys(schemas).length} schemas\n`);
