import { createHash, generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { isWellFormedKey, hashKey } from "../../control-plane/src/keys/mint-key.ts";
import { verifyKey } from "../../control-plane/src/keys/verify-key.ts";
import { sealForWorker } from "../../control-plane/src/jobs/seal-for-worker.ts";
import { sealWithMasterKey } from "../../control-plane/src/platform/seal-with-master-key.ts";
import { startPostgres } from "../../scripts/postgres.ts";
import type { Bench } from "./bench.ts";
import { compare } from "./figure.ts";
import { openPool } from "./open-pool.ts";
import { openQueue } from "./open-queue.ts";

const [rounds, batch] = [30, 200];

export const bench: Bench = {
  name: "p13-secret-cost",
  about: "a credential opened and sealed to a worker; the check of a key, at the processor and at the database",
  async *run() {
    const secret = randomBytes(30).toString("base64url");
    const belongsTo = { projectId: randomUUID(), id: randomUUID(), type: "github_token", version: 1 };
    const sealing = sealWithMasterKey(randomBytes(32));
    const stored = sealing.seal(secret, belongsTo);
    const { publicKey } = generateKeyPairSync("x25519");
    const workerKey = String(publicKey.export({ format: "jwk" }).x);
    const released = await microseconds({
      ours: () => sealForWorker(workerKey, sealing.open(stored, belongsTo), "job_1 1 model"),
      baseline: () => sealing.seal(secret, belongsTo),
    });
    yield compare({ bench: "P13 credential released", unit: "µs", baselineName: "AES-GCM envelope once" }, released);

    await using cluster = await startPostgres();
    await using queue = await openQueue(cluster.url, { projects: 1, workers: 1 });
    const { key, deps: { db } } = queue;
    const hashed = await microseconds({
      ours: () => isWellFormedKey(key) && hashKey(key),
      baseline: () => createHash("sha256").update(key).digest(),
    });
    yield compare({ bench: "P13 key hashed", unit: "µs", baselineName: "SHA-256 once" }, hashed);

    await using pool = openPool(queue.url, 1);
    const { rows } = await pool.query<{ hash: Buffer }>("select key_hash as hash from fc.api_keys");
    const lookUp = "select * from fc.api_keys where key_hash = $1";
    const verified = await microseconds({
      ours: () => verifyKey({ db }, key, { turn: null, names: [] }),
      baseline: () => pool.query({ name: "look-up", text: lookUp, values: [rows[0]?.hash] }),
    });
    yield compare({ bench: "P13 key verified", unit: "µs", baselineName: "its row by its hash, as the owner" }, verified);
  },
}; // prettier-ignore

type Sides = Record<"ours" | "baseline", () => unknown>;

/** Of one call: the mean of each of many small batches, side by side. */
async function microseconds(sides: Sides): Promise<Record<keyof Sides, number[]>> {
  const taken: Record<keyof Sides, number[]> = { ours: [], baseline: [] };
  for (let round = -3; round < rounds; round += 1) {
    for (const name of ["ours", "baseline"] as const) {
      const startMs = performance.now();
      for (let call = 0; call < batch; call += 1) await sides[name]();
      if (round >= 0) taken[name].push(((performance.now() - startMs) * 1_000) / batch);
    }
  }
  return taken;
}
