import { expect, it } from "vitest";
import { runChaos } from "../src/chaos/run-chaos.ts";

it("loses nothing and doubles nothing while workers, replicas, database and connections fail at random", async () => {
  const said: string[] = [];
  const seed = 20261121;
  const { violations, ledger } = await runChaos({
    seed, jobs: 20, seconds: 25, faultEverySeconds: 1, settleSeconds: 110, workers: 3, projects: 3,
    say: (line) => said.push(line),
  }); // prettier-ignore
  const told = `again: npm run chaos -- --seed ${seed} --jobs 20 --seconds 25 --every 1 --workers 3 --projects 3\n${said.join("\n")}`;
  expect(violations, told).toEqual([]);
  // Something did go wrong, and the work was done all the same.
  const faults = Object.entries(ledger).filter(([name]) => name.startsWith("fault: "));
  expect(faults.reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(5);
  expect(ledger["issues"]).toBe(20);
  expect(ledger["pull requests"]).toBeGreaterThan(15);
}, 240_000);
