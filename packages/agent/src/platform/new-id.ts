import { v7 } from "uuid";

/** A UUID that sorts by time: claims, events, and the uuid inside our wire ids. */
export function newUuid(): string {
  return v7();
}
