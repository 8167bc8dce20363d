import type { Test } from "./run-suite.ts";

export interface CaseSet {
  name: string;
  /** The suites whose tests name cases of this set, as `case 17: …`. */
  suites: string[];
  /** Those of the contract that must have a test. */
  cases: readonly number[];
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

/** The acceptance cases of the contracts. */
export const caseSets: CaseSet[] = [
  { name: "pipeline", suites: ["adversarial"], cases: upTo(44) },
  {
    name: "control plane",
    suites: ["control-plane", "testing"],
    cases: upTo(38),
  },
  { name: "command line", suites: ["cli"], cases: [20, 21, 22, 25, 26] },
];

export interface CaseLine {
  number: number;
  isOk: boolean;
  text: string;
}

/** One line for each case, from the names of the tests: ok when it has tests and all of them passed. */
export function tallyCases(cases: readonly number[], tests: readonly Test[]): CaseLine[] {
  return cases.map((number) => {
    const start = `case ${number}: `;
    const own = tests.filter(({ titles }) => titles.some((title) => title.startsWith(start)));
    const isOk = own.length > 0 && own.every(({ isPassed }) => isPassed);
    const named = own.flatMap(({ titles }) => titles.filter((title) => title.startsWith(start)).slice(0, 1));
    const words = [...new Set(named)].map((title) => title.slice(start.length)).join("; ") || "has no test";
    return { number, isOk, text: `case ${number} ${isOk ? "ok" : "FAIL"} ${words}` };
  });
}
