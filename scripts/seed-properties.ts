/** Before each file of units: properties are tried with a fixed seed, or with what `npm run fuzz` says. */
import fc from "fast-check";

const { FUZZ_SEED = "1", FUZZ_RUNS = "100" } = process.env;
fc.configureGlobal({ seed: Number(FUZZ_SEED), numRuns: Number(FUZZ_RUNS) });
