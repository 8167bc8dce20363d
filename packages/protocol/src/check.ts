import * as z from "zod";

/** One line of `feedback-chat check`. `error` = could not find out; `skipped` has its reason in `detail`. */
export const checkFinding = z.object({
  id: z.string(),
  status: z.enum(["pass", "warn", "fail", "skipped", "error"]),
  title: z.string(),
  detail: z.string(),
  next: z.string(),
  file: z.string().optional(),
  line: z.int().optional(),
});
export type CheckFinding = z.infer<typeof checkFinding>;
