import fc from "fast-check";
import * as z from "zod";
import { junkJson, junkText } from "./junk.ts";

type JsonSchema = {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema | boolean;
  propertyNames?: JsonSchema;
  items?: JsonSchema | boolean;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  format?: string;
};

/** JSON that a schema of ours takes, most of the time: a field now and then is missing, or junk. `ids` exist. */
export function jsonOf(schema: z.ZodType, ids: readonly string[]): fc.Arbitrary<unknown> {
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" });
  return arbitraryOf(json as JsonSchema, ids);
}

function arbitraryOf(schema: JsonSchema, ids: readonly string[]): fc.Arbitrary<unknown> {
  const good = goodOf(schema, ids);
  return fc.oneof({ weight: 12, arbitrary: good }, { weight: 1, arbitrary: junkJson });
}

function goodOf(schema: JsonSchema, ids: readonly string[]): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return fc.oneof(...either.map((one) => goodOf(one, ids)));
  if (schema.allOf) return goodOf(Object.assign({}, ...schema.allOf) as JsonSchema, ids);
  switch (schema.type) {
    case "object":
      return objectOf(schema, ids);
    case "array":
      return fc.array(typeof schema.items === "object" ? arbitraryOf(schema.items, ids) : junkJson, {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 4, 4),
      });
    case "string":
      return stringOf(schema, ids);
    case "integer":
      return fc.oneof(
        fc.integer({ min: bound(schema.minimum, -10), max: bound(schema.maximum, 1_000) }),
        fc.constantFrom(bound(schema.minimum, 0), schema.maximum ?? Number.MAX_SAFE_INTEGER),
      );
    case "number":
      return fc.double({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 100, 1e9), noNaN: true });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    // An id, mostly: what JSON Schema cannot say is a check of ours.
    default:
      return fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...ids) }, junkJson);
  }
}

const bound = (value: number | undefined, otherwise: number) => Math.trunc(value ?? otherwise);

function objectOf({ properties = {}, additionalProperties }: JsonSchema, ids: readonly string[]) {
  const fields = Object.entries(properties).map(([name, field]) => [name, arbitraryOf(field, ids)] as const);
  const values = typeof additionalProperties === "object" ? arbitraryOf(additionalProperties, ids) : junkJson;
  const others = fc.dictionary(junkText, values, { maxKeys: 2 });
  const isOpen = Object.keys(properties).length === 0 && additionalProperties !== false;
  // One in ten leaves fields out, one in ten has others too.
  return fc
    .tuple(
      fc.record(Object.fromEntries(fields)),
      fc.array(fc.boolean(), { minLength: fields.length }),
      others,
      fc.nat(9),
    )
    .map(([record, drops, more, die]) => ({
      ...(isOpen || die === 0 ? more : {}),
      ...Object.fromEntries(Object.entries(record).filter((_, index) => die !== 1 || !drops[index])),
    }));
}

function stringOf({ pattern, format, minLength = 0, maxLength = 40 }: JsonSchema, ids: readonly string[]) {
  if (format === "uuid") return fc.oneof(fc.uuid(), fc.constantFrom(...ids));
  if (format === "date-time")
    return fc.oneof(
      fc.date({ noInvalidDate: true, min: new Date("0001-01-01"), max: new Date("9999-12-31") }).map((at) => at.toISOString()),
      fc.constantFrom("2026-11-21T08:00:00Z", "2026-02-30T00:00:00Z"),
    ); // prettier-ignore
  if (format === "email") return fc.constantFrom("ann@example.com", "eve@example.org", `${"e".repeat(60)}@example.com`);
  if (format === "uri")
    return fc.constantFrom("https://example.com/hook", "http://127.0.0.1:9/", "https://[::1]/x", "https://e.x/\0");
  if (pattern !== undefined && !/[\\]p|\(\?[=!<]/.test(pattern)) return fc.stringMatching(new RegExp(pattern));
  const most = Math.min(maxLength, Math.max(minLength, 60));
  return fc.oneof(
    fc.string({ unit: "binary", minLength, maxLength: most }),
    fc.string({ minLength, maxLength: most }),
    // As long as it may be, of characters that are longer in bytes and in UTF-16.
    fc.constant("\u{1f600}".repeat(Math.max(1, Math.floor(Math.min(maxLength, 20_000) / 2)))),
    fc.constantFrom(...ids),
  );
}
