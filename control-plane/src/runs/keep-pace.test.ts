import { describe, expect, it } from "vitest";
import { figures } from "@feedback-chat/protocol/figures";
import type { Config } from "../config.ts";
import { keepPace } from "./keep-pace.ts";

/** A stream whose clock goes on only as far as somebody waits. */
function openStream() {
  let ms = 1_000_000;
  const said: string[] = [];
  const at = () => `${(ms - 1_000_000) / 1_000}`;
  const note = (what: string) => async () => void said.push(`${what} ${Number(at()).toFixed(0)}`);
  const sse = {
    closed: new AbortController().signal,
    send: async () => {},
    write: async () => {},
    comment: note("comment"),
  };
  const deps = { now: () => new Date(ms), config: { figures: { ...figures, accessRecheckSeconds: 10 } } as Config };
  /** Signals come so often; Infinity: never. */
  const signalled = (everyMs: number) => ({
    wait: async (waitMs: number) => void (ms += Math.min(waitMs, everyMs)),
    cancel: () => {},
  });
  return { pace: keepPace(deps, sse, note("check")), said, signalled, pass: (more: number) => void (ms += more) };
}

describe("the pace of a stream", () => {
  it("says something every 15 s and asks for access every 10 s while nothing happens", async () => {
    const { pace, said, signalled } = openStream();
    for (let turn = 0; turn < 8; turn += 1) await pace.wait(signalled(Infinity));
    expect(said).toEqual(["check 10", "comment 15", "check 20", "check 30", "comment 30", "check 40", "comment 45", "check 50", "check 60", "comment 60"].slice(0, said.length));
    expect(said.length).toBeGreaterThanOrEqual(8);
  }); // prettier-ignore

  it("keeps both while signals come all the time, and is not late for that", async () => {
    const { pace, said, signalled } = openStream();
    for (let turn = 0; turn < 70; turn += 1) await pace.wait(signalled(900));
    expect(said.slice(0, 6)).toEqual(["check 10", "comment 15", "check 20", "check 30", "comment 30", "check 40"]);
  });

  it("keeps both for a reader to whom there is always something to send", async () => {
    const { pace, said, pass } = openStream();
    for (let batch = 0; batch < 40; batch += 1) {
      pass(1_000);
      await pace.look();
    }
    expect(said).toEqual(["check 10", "comment 15", "check 20", "check 30", "comment 30", "check 40"]);
  });
});
