import * as z from "zod";

/** Who did it, on every event and action. */
export const actor = z.object({
  kind: z.enum(["user", "key", "worker", "reporter", "github", "system"]),
  id: z.string().nullable(),
  login: z.string().optional(),
});
export type Actor = z.infer<typeof actor>;

export const systemActor: Actor = { kind: "system", id: null };
