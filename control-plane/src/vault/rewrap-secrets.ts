import { asSystem } from "../platform/as-tenant.ts";
import type { Db } from "../platform/database.ts";
import type { Log } from "../platform/log.ts";
import { rewrapCanary } from "../platform/open-sealing.ts";
import type { Sealing } from "../platform/sealing.ts";
import { type SealedPlace, sealedPlaces } from "./sealed-places.ts";

type Deps = { db: Db; sealing: Sealing; log: Log };

const batch = 100;

/**
 * Wraps the key of every stored secret by the master key of today, some rows at a time, beside all other work. Killed
 * anywhere, the next call goes on. Once nothing of the key before is left, the canary follows: from then on the server
 * starts without that key.
 */
export async function rewrapSecrets(deps: Deps, stopped: AbortSignal): Promise<void> {
  if (!deps.sealing.isReady) return;
  let total = 0;
  for (const place of sealedPlaces) {
    for (let count = batch; count === batch && !stopped.aborted; total += count) count = await rewrapSome(deps, place);
  }
  if (stopped.aborted) return;
  if (total > 0) deps.log.info("vault.rewrapped", { secrets: total });
  // As the system: the canary is the instance's. A row that was locked a moment ago is found by the next look.
  await asSystem(deps.db, async (tx) => {
    for (const place of sealedPlaces) if ((await place.find(deps.sealing.kekId, 1).execute(tx)).rows.length > 0) return;
    await rewrapCanary(tx, deps.sealing);
  });
}

async function rewrapSome({ db, sealing }: Deps, place: SealedPlace): Promise<number> {
  return asSystem(db, async (tx) => {
    const { rows } = await place.find(sealing.kekId, batch).execute(tx);
    const rewrapped = rows
      .map(place.read)
      .map((row) => ({ ...row, sealed: sealing.rewrap(row.sealed, row.belongsTo) }));
    if (rewrapped.length > 0) await place.write(rewrapped).execute(tx);
    return rewrapped.length;
  });
}
