import * as z from "zod";
import { cursorOf, placeOf } from "./cursor.ts";

/** What every list takes. */
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: z.string().max(500).optional(),
});
export type PageQuery = z.output<typeof pageQuery>;

type Row = { id: string; created_at: Date };

/** Ids are made in the order of time: the id alone says where the last page ended. @throws Problem invalid_cursor */
export function pageStart(scope: unknown, { cursor }: PageQuery): string | null {
  return cursor === undefined ? null : placeOf(scope, cursor).id;
}

/** The page of rows, newest first, that were read up to one beyond its limit. */
export function pageFrom<R extends Row, T>(
  { scope, limit }: { scope: unknown; limit: number },
  rows: readonly R[],
  show: (row: R) => T,
): { items: T[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit);
  const last = rows.length > limit ? shown.at(-1) : undefined;
  return {
    items: shown.map(show),
    nextCursor: last ? cursorOf(scope, { at: last.created_at.toISOString(), id: last.id }) : null,
  };
}
