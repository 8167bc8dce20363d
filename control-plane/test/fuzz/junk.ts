import fc from "fast-check";

/** What no form sends: characters that databases and parsers stumble over, and lengths that nobody meant. */
const oddText = fc.constantFrom(
  "", " ", "\0", "a\0b", "\ud800", "\udfff x", "\u202e", "\u{1f600}".repeat(50), "x".repeat(5_000), "'; drop table fc.users; --",
  "null", "-1", "NaN", "1e999", "9223372036854775808", "2147483648", "../../etc/passwd", "%00", "%", "<script>", "${7*7}",
  "0000-00-00T00:00:00Z", "275760-09-13T00:00:00Z", "9999-12-31T23:59:59Z", "prj_", "run_7zzzzzzzzzzzzzzzzzzzzzzzzz", "__proto__",
); // prettier-ignore
export const junkText = fc.oneof(oddText, fc.string({ unit: "binary", maxLength: 40 }), fc.string({ maxLength: 20 }));

const junkNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 53), 2 ** 63, 1e308, 5e-324),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

function nested(depth: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < depth; level += 1) value = level % 2 ? [value] : { a: value };
  return value;
}

/** Any JSON, with more of what hurts than chance would bring. */
export const junkJson: fc.Arbitrary<unknown> = fc.oneof(
  junkText,
  junkNumber,
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], { __proto__: { admin: true } }, { constructor: 1 }),
  fc.constantFrom(20, 500, 3_000).map(nested),
  fc.array(fc.oneof(junkText, junkNumber), { maxLength: 5 }),
  fc.dictionary(junkText, fc.oneof(junkText, junkNumber), { maxKeys: 3 }),
);

/** A body as bytes that is no JSON, or hardly. */
export const junkBytes: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      "", "{", "[", '{"a":', "nul", "{}{}", '"\\ud800"', '{"a":1,"a":2}', "\ufeff{}", "[".repeat(50_000), '{"__proto__":{"x":1}}', "1e400",
      '"\\u0000"', "-", "{'a':1}", "a=1&b=2",
    )
    .map((text) => Buffer.from(text)),
); // prettier-ignore
