import type { Redactor } from "../core/redact.ts";
import type { FileChange } from "./read-diff.ts";
import { runFailure } from "../ports/run-failure.ts";

/**
 * The last look before anything leaves: no known secret, in any spelling, in what the change adds or in its names.
 * Lines that the base had already are public. @throws Problem run_failed `secret_found` with file:line, never the value.
 */
export function requireNoSecrets(redactor: Redactor, changes: FileChange[]): void {
  const places = changes.flatMap((change) => [...inName(redactor, change), ...inLines(redactor, change)]);
  if (places.length === 0) return;
  const shown = places.slice(0, 10).map(({ place, name }) => `${name} in ${place}`);
  throw runFailure("secret_found", `The change holds what looks like a secret: ${shown.join(", ")}.`, {
    next: "Remove it from the change and rotate it if it is real; then retry.",
    paths: places.map(({ place }) => place),
  });
}

type Place = { place: string; name: string };

function inName(redactor: Redactor, { rawPath, change }: FileChange): Place[] {
  if (change === "deleted") return [];
  return redactor.find(Buffer.from(rawPath, "latin1")).map(({ name }) => ({ place: "a file's name", name }));
}

function inLines(redactor: Redactor, { path, before, after }: FileChange): Place[] {
  if (!after) return [];
  const found = redactor.find(after);
  if (found.length === 0) return [];
  const known = new Set(linesOf(before ?? new Uint8Array()));
  const lines = linesOf(after);
  // The path was looked at on its own; here it only names the place.
  const shown = redactor.text(path);
  return (
    found
      // It may begin on a line of the base's, and be new all the same.
      .filter(({ line, lastLine }) => !lines.slice(line - 1, lastLine).every((text) => known.has(text)))
      .map(({ line, name }) => ({ place: `${shown}:${line}`, name }))
  );
}

function linesOf(bytes: Uint8Array): string[] {
  return Buffer.from(bytes).toString("latin1").split("\n");
}
