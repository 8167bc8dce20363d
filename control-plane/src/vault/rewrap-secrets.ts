import { isProblem } from "@feedback-chat/protocol/problem";
import { asSystem } from "../platform/as-tenant.ts";
import type { Db, Tx } from "../platform/database.ts";
import type { Log } from "../platform/log.ts";
import { rewrapCanary } from "../platform/open-sealing.ts";
import type { Sealed, Sealing } from "../platform/sealing.ts";
import { type SealedPlace, type FoundRow, sealedPlaces } from "./sealed-places.ts";

type Deps = { db: Db; sealing: Sealing; log: Log };

const batch = 100;

/**
 * Wraps the key of every stored secret by the current master key, some rows at a time, beside all other work. Killed
 * anywhere, the next call goes on. A row that no key unwraps stays as it is and stops nothing. Once nothing else of the
 * previous key is left, the canary follows: from then on the server starts without that key.
 * @returns the rows that no key unwraps, such as `credentials 01890a5d-…`.
 */
export async function rewrapSecrets(deps: Deps, stopped: AbortSignal): Promise<string[]> {
  if (!deps.sealing.isReady) return [];
  let total = 0;
  const unreadable: string[] = [];
  let isWhole = true;
  for (const place of sealedPlaces) {
    const left = new Set<string>();
    for (let found = batch; found > 0 && !stopped.aborted;) {
      const step = await rewrapSome(deps, place, left);
      found = step.found;
      total += step.rewrapped;
    }
    unreadable.push(...[...left].map((name) => `${place.name} ${name}`));
    isWhole &&= !stopped.aborted && (await isRewrapped(deps, place, left));
  }
  if (total > 0) deps.log.info("vault.rewrapped", { secrets: total });
  if (unreadable.length > 0)
    deps.log.error("vault.unreadable", { secrets: unreadable.slice(0, 20), count: unreadable.length });
  if (isWhole) await asSystem(deps.db, (tx) => rewrapCanary(tx, deps.sealing));
  return unreadable;
}

/** Adds to `left` what does not open. `found`: how many rows this step saw for the first time. */
async function rewrapSome(
  { db, sealing }: Deps,
  place: SealedPlace,
  left: Set<string>,
): Promise<{ found: number; rewrapped: number }> {
  return asSystem(db, async (tx) => {
    const rows = await findOthers(tx, { sealing, place, left });
    const rewrapped = rows.flatMap((row) => {
      const sealed = rewrapOrNull(sealing, row);
      if (sealed === null) left.add(nameOf(row));
      return sealed === null ? [] : [{ ...row, sealed }];
    });
    if (rewrapped.length > 0) await place.write(rewrapped).execute(tx);
    return { found: rows.length, rewrapped: rewrapped.length };
  });
}

type Search = { sealing: Sealing; place: SealedPlace; left: ReadonlySet<string> };

/** Rows of another master key besides those that are known not to open; locked ones are left for the next look. */
async function findOthers(tx: Tx, { sealing, place, left }: Search): Promise<FoundRow[]> {
  const { rows } = await place.find(sealing.kekId, batch + left.size).execute(tx);
  return rows.map(place.read).filter((row) => !left.has(nameOf(row)));
}

/** As the system: the canary is the instance's. A row that was locked a moment ago is found by the next look. */
async function isRewrapped({ db, sealing }: Deps, place: SealedPlace, left: ReadonlySet<string>): Promise<boolean> {
  return asSystem(db, async (tx) => (await findOthers(tx, { sealing, place, left })).length === 0);
}

/** Of a kept answer the key alone is not unique. */
function nameOf({ key, belongsTo }: FoundRow): string {
  return key === belongsTo.projectId ? key : `${belongsTo.projectId} ${belongsTo.type} ${key}`.trim();
}

function rewrapOrNull(sealing: Sealing, { unpack, belongsTo }: FoundRow): Sealed | null {
  try {
    return sealing.rewrap(unpack(), belongsTo);
  } catch (error) {
    if (isProblem(error, "credential_unreadable")) return null;
    throw error;
  }
}
