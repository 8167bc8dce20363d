import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cursorOf, placeOf } from "./cursor.ts";

const place = { at: "2026-11-21 08:00:00.123456+00", id: "0190a0b0-0000-7000-8000-000000000001" };

describe("a cursor", () => {
  it("leads back to its place in its own list", () => {
    expect(placeOf(["list", { stage: "queued" }], cursorOf(["list", { stage: "queued" }], place))).toEqual(place);
  });

  it("is refused by any other list", () => {
    expect(() => placeOf(["other"], cursorOf(["list"], place))).toThrow("another list");
  });

  it("is refused when anything in it was changed, and whatever else comes in its place", () => {
    const cursor = cursorOf(["list"], place);
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), fc.string(), (at, text) => {
        const changed = `${cursor.slice(0, at)}${text}${cursor.slice(at + 1)}`;
        if (Buffer.from(changed, "base64url").equals(Buffer.from(cursor, "base64url"))) return;
        expect(() => placeOf(["list"], changed)).toThrow();
        expect(() => placeOf(["list"], text)).toThrow();
      }),
    );
  });

  it("is refused with a right sum over what is no time or no id, which nobody but us can have given out", () => {
    for (const wrong of [
      { ...place, at: "yesterday" },
      { ...place, at: "2026-99-99 08:00:00+00" },
      { ...place, id: "0".repeat(36) },
    ])
      expect(() => placeOf(["list"], cursorOf(["list"], wrong))).toThrow("another list");
    const ours = { ...place, at: "2026-11-21T08:00:00.123Z" };
    expect(placeOf(["list"], cursorOf(["list"], ours))).toEqual(ours);
  });
});
