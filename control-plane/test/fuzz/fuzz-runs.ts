/** `npm run fuzz` says more of them and new seeds; `npm test` tries the same few each time. */
export function fuzzRuns(usual: number): { seed: number; numRuns: number } {
  const { FUZZ_SEED = "1", FUZZ_RUNS } = process.env;
  return { seed: Number(FUZZ_SEED), numRuns: FUZZ_RUNS === undefined ? usual : Math.ceil(Number(FUZZ_RUNS) / 5) };
}
