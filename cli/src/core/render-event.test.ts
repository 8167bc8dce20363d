import { describe, expect, it } from "vitest";
import { renderEvent } from "./render-event.ts";

const at = "2026-11-21T06:10:44.058Z";

describe("renderEvent", () => {
  it("is a line with the time, the event and its fields", () => {
    expect(renderEvent({ at, level: "info", event: "job.claimed", runId: "run_1", attempt: 1, token: null })).toBe(
      "06:10:44 job.claimed runId=run_1 attempt=1",
    );
  });

  it("names trouble by a word, not by a colour, and stays on one line", () => {
    expect(renderEvent({ at, level: "error", event: "job.broke", error: "first\nsecond" })).toBe(
      '06:10:44 error job.broke error="first\\nsecond"',
    );
  });

  it("takes what is no event of ours as it is", () => {
    expect(renderEvent({ event: "text", text: "hello" })).toBe("text text=hello");
  });
});
