import { median } from "./statistics.ts";

/** One line of the answer. `ratio` is ours / baseline, whichever way is better; `n`, `min`, `max` are of ours. */
export type Figure = {
  bench: string;
  unit: string;
  ours: number;
  baseline: number;
  baselineName: string;
  ratio: number;
  n: number;
  min: number;
  max: number;
};

type Named = { bench: string; unit: string; baselineName: string };
type Samples = readonly number[];

/** Both sides by the same measure, the median unless another is given. */
export function compare(
  { bench, unit, baselineName }: Named,
  samples: { ours: Samples; baseline: Samples },
  measure: (samples: Samples) => number = median,
): Figure {
  const ours = measure(samples.ours);
  const baseline = measure(samples.baseline);
  return {
    bench,
    unit,
    ours: rounded(ours),
    baseline: rounded(baseline),
    baselineName,
    ratio: rounded(ours / baseline),
    n: samples.ours.length,
    min: rounded(Math.min(...samples.ours)),
    max: rounded(Math.max(...samples.ours)),
  };
}

/** Three digits that count: the rest is noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
