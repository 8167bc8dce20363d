import { Problem } from "@feedback-chat/protocol/problem";
import { describe, expect, it } from "vitest";
import type { Sandbox } from "../ports/sandbox.ts";
import { limitMechanisms } from "./bubblewrap.ts";
import { chooseSandbox } from "./choose-sandbox.ts";

/** A mechanism that holds, or says why it cannot; it notes what was asked of it. */
function mechanism(id: string, failure: Error | null = null) {
  const asked: string[] = [];
  const sandbox: Sandbox = {
    id,
    async probe() {
      asked.push("probe");
      if (failure !== null) throw failure;
      return { mechanism: id, version: "1.0.0", runsAs: 1000, limits: limitMechanisms, layers: "overlay" };
    },
    async open() {
      asked.push("open");
      throw new Error(`opened by ${id}`);
    },
    async sweep() {
      return { removed: [`left by ${id}`] };
    },
  };
  return { sandbox, asked };
}
const job = { name: "one", slot: 1 };
const missing = (what: string) =>
  new Problem("sandbox_unavailable", `${what} is not installed.`, { next: `Install ${what}.` });

describe("the choice of a sandbox", () => {
  it("takes the first that can be built, and does not look at the next", async () => {
    const [first, second] = [mechanism("bubblewrap"), mechanism("container")];
    const chosen = chooseSandbox([first.sandbox, second.sandbox]);
    expect((await chosen.probe()).mechanism).toBe("bubblewrap");
    await expect(chosen.open(job)).rejects.toThrow("opened by bubblewrap");
    expect(second.asked).toEqual([]);
  });

  it("takes the next where the first cannot be built, for its jobs too, and looks for it once", async () => {
    const [first, second] = [mechanism("bubblewrap", missing("bubblewrap")), mechanism("container")];
    const chosen = chooseSandbox([first.sandbox, second.sandbox]);
    await expect(chosen.open(job)).rejects.toThrow("opened by container");
    expect((await chosen.probe()).mechanism).toBe("container");
    expect(chosen.id).toBe("container");
    expect(first.asked).toEqual(["probe"]);
  });

  it("says why none can be built, and the first one's next step", async () => {
    const [first, second] = [mechanism("a", missing("bubblewrap")), mechanism("b", missing("podman"))];
    await expect(chooseSandbox([first.sandbox, second.sandbox]).probe()).rejects.toMatchObject({
      code: "sandbox_unavailable",
      message: "bubblewrap is not installed. podman is not installed.",
      next: "Install bubblewrap.",
    });
  });

  it("passes on to nobody what is no want of walls", async () => {
    const [first, second] = [mechanism("bubblewrap", new Error("disk full")), mechanism("container")];
    await expect(chooseSandbox([first.sandbox, second.sandbox]).open(job)).rejects.toThrow("disk full");
    expect(second.asked).toEqual([]);
  });

  it("sweeps what either left behind", async () => {
    const chosen = chooseSandbox([mechanism("a").sandbox, mechanism("b").sandbox]);
    expect(await chosen.sweep()).toEqual({ removed: ["left by a", "left by b"] });
  });
});
