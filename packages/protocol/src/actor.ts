import * as z from "zod";

/**
 * Who did it, on every event and action. `id` is told as a TypeID: of the user, of the key (a worker's too), or of the
 * report that opened the page. The database keeps the bare uuid.
 */
export const actor = z.object({
  kind: z.enum(["user", "key", "worker", "reporter", "github", "system"]),
  id: z.string().nullable(),
  login: z.string().optional(),
});
export type Actor = z.infer<typeof actor>;

export const systemActor: Actor = { kind: "system", id: null };
