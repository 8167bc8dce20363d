import { uuidOf } from "@feedback-chat/protocol/ids";
import { describe, expect, it } from "vitest";
import { wireActor } from "./wire-actor.ts";

const uuid = "01988d0e-5f2a-7c3b-9d4e-0123456789ab";

describe("an actor on the wire", () => {
  it.each([
    ["user", "usr"],
    ["key", "key"],
    ["worker", "key"],
    ["reporter", "fb"],
  ] as const)("has, as a %s, an id that begins with %s_", (kind, prefix) => {
    const told = wireActor({ kind, id: uuid, login: "ann" });
    expect(told).toMatchObject({ kind, login: "ann" });
    expect(uuidOf(prefix, told.id ?? "")).toBe(uuid);
  });

  it("has none, as GitHub or as the system", () => {
    expect(wireActor({ kind: "github", id: null, login: "ann" })).toEqual({ kind: "github", id: null, login: "ann" });
    expect(wireActor({ kind: "system", id: null })).toEqual({ kind: "system", id: null });
  });
});
