import { readFile } from "node:fs/promises";
import { Octokit } from "@octokit/rest";
import { Ajv } from "ajv";
import formats from "ajv-formats";
import { expect } from "vitest";

type Schema = Record<string, unknown>;
type Operation = { query: string[]; body: Schema | null; answers: Record<string, Schema | null> };
type Cut = {
  source: string;
  operations: Record<string, Operation>;
  schemas: Record<string, Schema>;
};

/** Which operations were seen, each as often as it was checked. */
export type WireCheck = {
  octokit(url: string, token?: string): Octokit;
  seen: Map<string, number>;
  operations: string[];
};

/**
 * Octokits whose every request and answer is held against GitHub's own description: known operation, known query
 * parameters, valid body, status of the list, valid answer, and no invented key in it.
 */
export async function openWireCheck(): Promise<WireCheck> {
  const file = new URL("openapi-operations.json", import.meta.url);
  const cut = JSON.parse(await readFile(file, "utf8")) as Cut;
  const ajv = new Ajv({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addFormat("repo.nwo", true);
  // GitHub itself answers "" where a status has no address (its own webhook examples do).
  ajv.addFormat("uri", (text: string) => text === "" || URL.canParse(text));
  ajv.addSchema({ $id: "wire", schemas: cut.schemas });
  const seen = new Map<string, number>();
  const validate = (schema: Schema, data: unknown, where: string) => {
    const check = ajv.compile(named(schema) as Schema);
    if (!check(data))
      expect.fail(
        `${where}: ${ajv.errorsText(check.errors, { separator: "\n" })}\n${JSON.stringify(data, null, 1).slice(0, 3000)}`,
      );
  };

  function checkAnswer(route: string, status: number, data: unknown): void {
    const operation = cut.operations[route];
    if (!operation) return expect.fail(`${route} is not among the cut operations.`);
    // 401 and 403 are possible everywhere, whether an operation lists them or not.
    const schema =
      operation.answers[status] ?? (status === 401 || status === 403 ? { $ref: "#/schemas/basic-error" } : null);
    if (!schema && !(String(status) in operation.answers)) expect.fail(`${route} never answers ${status}.`);
    seen.set(route, (seen.get(route) ?? 0) + 1);
    if (!schema) return;
    validate(schema, data, `${route} -> ${status}`);
    const known = keysOf(cut, schema);
    const first = Array.isArray(data) ? data[0] : data;
    if (known && status < 300)
      expect(
        Object.keys((first as object | undefined) ?? {}).filter((key) => !known.has(key)),
        `${route}: invented keys`,
      ).toEqual([]);
  }

  return {
    seen,
    operations: Object.keys(cut.operations),
    octokit(url, token) {
      const octokit = new Octokit({
        baseUrl: url,
        ...(token ? { auth: token } : {}),
        log: { debug() {}, info() {}, warn() {}, error() {} },
      });
      octokit.hook.wrap("request", async (request, options) => {
        const route = `${options.method} ${options.url}`;
        const operation = cut.operations[route];
        const sent = octokit.request.endpoint(options as never) as { url: string; body?: unknown };
        for (const name of new URL(sent.url).searchParams.keys())
          expect(operation?.query, `${route}?${name}`).toContain(name);
        if (operation?.body && sent.body) validate(operation.body, sent.body, `${route} body`);
        try {
          const answer = await request(options as never);
          checkAnswer(route, answer.status, answer.data);
          return answer;
        } catch (error) {
          const refused = error as { status?: number; response?: { data: unknown } };
          if (refused.status && refused.response) checkAnswer(route, refused.status, refused.response.data);
          throw error;
        }
      });
      return octokit;
    },
  };
}

/** `#/schemas/x` inside one operation means the schema of the common document. */
function named(schema: unknown): unknown {
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/schemas/', '"wire#/schemas/'));
}

function keysOf(cut: Cut, schema: Schema): Set<string> | null {
  const ref = schema["$ref"];
  if (typeof ref === "string") return keysOf(cut, cut.schemas[ref.split("/").at(-1)!]!);
  if (schema["type"] === "array") return keysOf(cut, schema["items"] as Schema);
  const properties = schema["properties"];
  return properties ? new Set(Object.keys(properties)) : null;
}
