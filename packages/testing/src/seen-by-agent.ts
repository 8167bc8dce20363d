import type { Attack } from "./open-attack.ts";

/** A file of the branch that was published, as it was committed. */
export function publishedFile({ git, pulls }: Attack, path: string): string {
  return Buffer.from(git("show", `${pulls()[0]?.head}:${path}`), "latin1").toString("utf8");
}

/** All words that the model was told, in any part of any request. */
export function toldModel({ model }: Attack): string {
  return model.requests.flatMap(({ body }) => stringsIn(body)).join("\n");
}

/** Every string in a JSON value, names of members too. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(stringsIn);
  return Object.entries(value).flatMap(([name, one]) => [name, ...stringsIn(one)]);
}
