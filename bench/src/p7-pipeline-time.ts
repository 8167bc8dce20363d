import type { Bench } from "./bench.ts";
export const bench: Bench = { name: "p7-pipeline-time", about: "", async *run() {} };
