import { openAttack } from "../../src/open-attack.ts";
import { describe, expect, inject, it } from "vitest";

const dataFolder = inject("dataFolder");

describe("what a stranger writes", () => {
  it("case 1: a model that prints and commits every environment finds placeholders only", async () => {
    await using attack = await openAttack({ dataFolder, scenario: "read-environment" });
    const held = await attack.run();
    expect(held.code, held.said).toBe(8);
    const run = await attack.approve(held);
    expect(run.code, run.said).toBe(0);
    // The attack did run: what it collected was published.
    const found = attack.git("show", `${attack.pulls()[0]?.head}:found.txt`);
    expect(found).toContain("## end");
    expect(found).toMatch(/ANTHROPIC_API_KEY=\S+/);
    expect(found).not.toMatch(/^REACHED/m);
    expect(attack.model.sawKey(attack.secrets.modelKey)).toBe(true);
    for (const [place, text] of Object.entries(attack.places(run)))
      for (const secret of Object.values(attack.secrets)) expect(text.includes(secret), place).toBe(false);
  });
});
