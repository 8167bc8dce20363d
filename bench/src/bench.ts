import type { Figure } from "./figure.ts";

export type BenchContext = {
  /** The sizes that take minutes too. */
  isFull: boolean;
  /** Shorter than the plan has it: to see that it works. */
  isQuick: boolean;
  /** What is going on, for a person who waits. */
  tell(text: string): void;
};

export type Bench = {
  /** The id of the figure in the plan, then words: `p6-claim-rate`. */
  name: string;
  about: string;
  /** Yields each figure as soon as it is known. */
  run(context: BenchContext): AsyncIterable<Figure>;
};
