import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { idOf, idPrefixes, idSchema, uuidOf } from "./ids.ts";

describe("ids", () => {
  it("go to the wire and back for every kind", () => {
    fc.assert(
      fc.property(fc.uuid({ version: 7 }), fc.constantFrom(...idPrefixes), (uuid, prefix) => {
        const id = idOf(prefix, uuid);
        expect(id.startsWith(`${prefix}_`)).toBe(true);
        expect(uuidOf(prefix, id)).toBe(uuid);
        expect(idSchema(prefix).safeParse(id).success).toBe(true);
      }),
    );
  });

  it("are not found when they are of another kind, cut, or no id at all", () => {
    const id = idOf("run", "01935a3c-0000-7000-8000-000000000000");
    for (const wrong of [
      id.replace("run_", "job_"),
      id.slice(0, -1),
      "",
      "run_",
      "run_zzzzzzzzzzzzzzzzzzzzzzzzzz",
      "../etc/passwd",
    ]) {
      expect(() => uuidOf("run", wrong), wrong).toThrow(/no run with the id/);
    }
  });
});
