import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import { sql } from "kysely";
import { asSystem } from "./as-tenant.ts";
import type { Db, Tx } from "./database.ts";
import { packSealed, unpackSealed } from "./pack-sealed.ts";
import { deriveSecret, lostSealing, sealWithMasterKey } from "./seal-with-master-key.ts";
import type { Sealing } from "./sealing.ts";

type Deps = { db: Db };
type Input = {
  masterKey: string | undefined;
  /** While it is changed: the key before. */
  previousMasterKey?: string | undefined;
  dataFolder: string | undefined;
};

const canaryOf = { projectId: "instance", id: "canary", type: "canary", version: 1 };
const canaryText = "This master key opens this database.";

/**
 * Finds the master key (environment, else the file in the data folder, made at the first start) and proves by a
 * stored canary that it is the one that this database was sealed with. If it is not, the vault stays shut
 * (`isReady` false) and no file and no row is touched.
 * @throws Problem usage, missing_key
 */
export async function openSealing({ db }: Deps, input: Input): Promise<{ sealing: Sealing; sessionSecret: string }> {
  const canary = await readCanary(db);
  const key = input.masterKey
    ? parseKey(input.masterKey)
    : keyInFolder(input.dataFolder, { mayCreate: canary === null });
  if (!key) return shut();
  const sealing = sealWithMasterKey(key, previousKey(input));
  const stored = canary ?? (await storeCanary(db, sealing));
  if (!isOpenedBy(sealing, stored)) return shut();
  return { sealing, sessionSecret: deriveSecret(key, "sessions") };
}

/** `MASTER_KEY_PREVIOUS`, else the file `master-key.previous` beside the key's own. */
function previousKey({ previousMasterKey, dataFolder }: Input): Buffer | null {
  if (previousMasterKey) return parseKey(previousMasterKey);
  const file = dataFolder && join(dataFolder, "master-key.previous");
  return file && existsSync(file) ? parseKey(readFileSync(file, "utf8")) : null;
}

/** The canary is the last thing that the new key wraps: until then a start without the old key stays shut. */
export async function rewrapCanary(tx: Tx, sealing: Sealing): Promise<void> {
  const { rows } = await sql<{ canary: Buffer }>`
    select master_key_canary as canary from fc.instance for update`.execute(tx);
  const canary = rows[0] && unpackSealed(rows[0].canary);
  if (!canary || canary.kekId === sealing.kekId) return;
  await sql`update fc.instance set master_key_canary = ${packSealed(sealing.rewrap(canary, canaryOf))}`.execute(tx);
}

/** Sessions of the lost key end with it. */
function shut() {
  return { sealing: lostSealing(), sessionSecret: randomBytes(32).toString("base64url") };
}

function parseKey(text: string): Buffer {
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== 32)
    throw new Problem("usage", "MASTER_KEY is not 32 bytes in base64.", {
      next: "Make one with `openssl rand -base64 32`.",
    });
  return key;
}

function keyInFolder(folder: string | undefined, { mayCreate }: { mayCreate: boolean }): Buffer | undefined {
  if (!folder) {
    throw new Problem("missing_key", "There is no master key: neither MASTER_KEY nor DATA_DIR is set.", {
      next: "Set MASTER_KEY to 32 random bytes in base64 (`openssl rand -base64 32`), or DATA_DIR.",
    });
  }
  const file = join(folder, "master-key");
  if (!existsSync(file)) {
    if (!mayCreate) return undefined;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(file, `${randomBytes(32).toString("base64")}\n`, {
      flag: "wx",
      mode: 0o600,
      flush: true,
    });
  }
  return parseKey(readFileSync(file, "utf8"));
}

async function readCanary(db: Db): Promise<Buffer | null> {
  // As the system: it is the instance's, no tenant's.
  const { rows } = await asSystem(db, (tx) =>
    sql<{ master_key_canary: Buffer | null }>`select master_key_canary from fc.instance`.execute(tx),
  );
  return rows[0]?.master_key_canary ?? null;
}

/** Of two servers that start at once, the first one's key counts. */
async function storeCanary(db: Db, sealing: Sealing): Promise<Buffer> {
  const mine = packSealed(sealing.seal(canaryText, canaryOf));
  const { rows } = await asSystem(db, (tx) =>
    sql<{ master_key_canary: Buffer }>`
      update fc.instance set master_key_canary = coalesce(master_key_canary, ${mine}) returning master_key_canary`.execute(
      tx,
    ),
  );
  return rows[0]?.master_key_canary ?? mine;
}

function isOpenedBy(sealing: Sealing, canary: Buffer): boolean {
  try {
    return sealing.open(unpackSealed(canary), canaryOf) === canaryText;
  } catch (error) {
    if (isProblem(error, "credential_unreadable")) return false;
    throw error;
  }
}
