import * as z from "zod";

/**
 * Every time and limit of the lease protocol, once (control-plane.md section 5 and pipeline.md's deadlines).
 * Production uses the defaults; tests run at a tenth of the times with `scaledFigures`.
 */
export const figuresSchema = z.object({
  leaseSeconds: z.number().positive().default(30),
  renewEverySeconds: z.number().positive().default(10),
  /** A worker without a renewal for so long on its own clock stops by itself. */
  selfStopSeconds: z.number().positive().default(30),
  sweepEverySeconds: z.number().positive().default(5),
  /** After its start, and after the database came back, the sweeper expires nothing for so long. */
  sweeperGraceSeconds: z.number().nonnegative().default(30),
  claimWaitSeconds: z.number().nonnegative().default(50),
  renewWaitSeconds: z.number().nonnegative().default(10),
  cancelGraceSeconds: z.number().positive().default(15),
  backoffSeconds: z.number().nonnegative().default(5),
  /** So long without a word of any worker, and a run that waits for one is told of. */
  absenceSeconds: z
    .number()
    .positive()
    .default(10 * 60),
  noWorkerSeconds: z
    .number()
    .positive()
    .default(24 * 3600),
  noAnswerSeconds: z
    .number()
    .positive()
    .default(7 * 24 * 3600),
  holdSeconds: z
    .number()
    .positive()
    .default(14 * 24 * 3600),
  /** Beside the project's own minutes: clone, dependencies and collecting, under one lease. */
  preparationSeconds: z.number().positive().default(3600),
  validationSeconds: z
    .number()
    .positive()
    .default(15 * 60),
  pollIssuesEverySeconds: z.number().positive().default(300),
  /** An effect that a server took and did not deliver, because it died, is another's after so long. */
  outboxLockSeconds: z.number().positive().default(300),
  /** A server that is asked to stop has ended after so long, whatever still waits for an answer from outside. */
  closeSeconds: z.number().positive().default(25),
  /** How long a login's code is good, and how often its command line asks. */
  deviceCodeSeconds: z.number().positive().default(600),
  devicePollSeconds: z.number().positive().default(5),
  sseCommentSeconds: z.number().positive().default(15),
  /** What is found out ends a stream within 10 s: the answer is gathered for many, and comes a little later. */
  accessRecheckSeconds: z.number().positive().default(9.5),
  /** A worker tries its sandbox's walls before its first job, and this often while it works. */
  selfTestEverySeconds: z.number().positive().default(3600),
  logFlushSeconds: z.number().positive().default(0.25),
});
export type Figures = z.infer<typeof figuresSchema>;

export const figures: Figures = figuresSchema.parse({});

/** The same figures with every time multiplied; counts stay. `scaledFigures(0.1)` is what tests run with. */
export function scaledFigures(factor: number, base: Figures = figures): Figures {
  const counts = new Set(["logFlushSeconds"]);
  return figuresSchema.parse(
    Object.fromEntries(Object.entries(base).map(([name, value]) => [name, counts.has(name) ? value : value * factor])),
  );
}
