import type { Test } from "./run-suite.ts";

export interface CaseSet {
  name: string;
  /** The suites whose tests name cases of this set, as `case 17: …`. */
  suites: string[];
  /** Those of the contract that must have a test. */
  cases: readonly number[];
}

/** The acceptance cases of the contracts. */
export const caseSets: CaseSet[] = [{ name: "pipeline", suites: ["adversarial"], cases: [1] }];

export interface CaseLine {
  number: number;
  isOk: boolean;
  text: string;
}

/** One line for each case, from the names of the tests: ok when it has tests and all of them passed. */
export function tallyCases(cases: readonly number[], tests: readonly Test[]): CaseLine[] {
  return cases.map((number) => {
    const own = tests.filter(({ name }) => name.startsWith(`case ${number}: `));
    const isOk = own.length > 0 && own.every(({ isPassed }) => isPassed);
    const words = own.map(({ name }) => name.replace(/^case \d+: /, "")).join("; ") || "has no test";
    return { number, isOk, text: `case ${number} ${isOk ? "ok" : "FAIL"} ${words}` };
  });
}
