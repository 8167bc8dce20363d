import type { Bench } from "./bench.ts";
export const bench: Bench = { name: "p14-demo-time", about: "", async *run() {} };
