import { describe, expect, it } from "vitest";
import { openStreams } from "./open-streams.ts";

/** A thing that is looked at, and how often. */
function openThing() {
  const thing = { value: 0, looks: 0 };
  const { lookTogether } = openStreams();
  const look = async () => {
    thing.looks += 1;
    const { value } = thing;
    await Promise.resolve();
    return value;
  };
  return { thing, look: (key = "thing") => lookTogether(key, look), lookTogether };
}

describe("looking together", () => {
  it("looks once for all that ask at the same time, and once for each thing", async () => {
    const { thing, look } = openThing();
    const all = await Promise.all([...Array.from({ length: 1_000 }, () => look()), look("another")]);
    expect(all).toHaveLength(1_001);
    expect(thing.looks).toBe(2);
  });

  it("shows nobody what was there before they asked: who comes during a look gets the next one", async () => {
    const { thing, lookTogether } = openThing();
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const begun = Promise.withResolvers<void>();
    let looks = 0;
    const slowly = async () => {
      const { value } = thing;
      begun.resolve();
      await gates[looks++]?.promise;
      return value;
    };
    const first = lookTogether("thing", slowly);
    await begun.promise;
    thing.value = 1;
    const late = [lookTogether("thing", slowly), lookTogether("thing", slowly)];
    gates[1]?.resolve();
    gates[0]?.resolve();
    expect(await first).toBe(0);
    expect(await Promise.all(late)).toEqual([1, 1]);
    expect(looks).toBe(2);
  });

  it("tells all who joined of a look that failed, and looks again for the next", async () => {
    const { look, lookTogether } = openThing();
    const failing = async () => {
      throw new Error("gone");
    };
    const both = await Promise.allSettled([lookTogether("thing", failing), lookTogether("thing", failing)]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await look()).toBe(0);
  });

  it("counts each stream once, however often it ends, and ends all, also one that comes late", () => {
    const streams = openStreams();
    const ended: string[] = [];
    const leave = streams.enter(() => ended.push("first"));
    streams.enter(() => ended.push("second"));
    leave();
    leave();
    expect(streams.open).toBe(1);
    streams.endAll();
    streams.enter(() => ended.push("third"));
    expect(ended).toEqual(["second", "third"]);
  });
});
