import { type RawBuilder, sql } from "kysely";
import { appSecrets, ofApp } from "../github-app/app-secrets.ts";
import { linkOf } from "../mail/queue-mail.ts";
import { packSealed, unpackSealed } from "../platform/pack-sealed.ts";
import type { Sealed, SealedFor } from "../platform/sealing.ts";

/** What names the row of one stored secret, and what its secret is bound to. */
type Place = { key: string; belongsTo: SealedFor };
/** The row with the secret as it lies there. `unpack` throws Problem credential_unreadable for spoiled bytes. */
export type FoundRow = Place & { unpack(): Sealed };
type Row = Place & { sealed: Sealed };

/** A place of the database with sealed secrets. Each new one belongs into this list, or a change of the master key misses it. */
export type SealedPlace = {
  name: string;
  /** Some rows that another master key than `kekId` wraps; locked rows are left for the next look. */
  find(kekId: string, limit: number): RawBuilder<Record<string, unknown>>;
  read(row: Record<string, unknown>): FoundRow;
  /** All at once. The rows are locked since they were found. */
  write(rows: readonly Row[]): RawBuilder<unknown>;
};

const textsOf = (rows: readonly Row[], pick: (row: Row) => string) => rows.map(pick);
const bytesOf = (rows: readonly Row[], pick: (row: Row) => Buffer) => rows.map((row) => pick(row).toString("hex"));
const packedOf = (rows: readonly Row[]) => bytesOf(rows, ({ sealed }) => packSealed(sealed));

const startOf = (kekId: string) => Buffer.concat([Buffer.of(1, kekId.length), Buffer.from(kekId)]);

export const sealedPlaces: SealedPlace[] = [
  {
    name: "credentials",
    find: (kekId, limit) => sql`
      select id, project_id, type, version, encrypted_value, wrapped_dek, kek_id from fc.credentials
      where kek_id <> ${kekId} limit ${limit} for update skip locked`,
    read: (row) => ({
      key: String(row["id"]),
      unpack: () => ({
        encryptedValue: row["encrypted_value"] as Buffer,
        wrappedDek: row["wrapped_dek"] as Buffer,
        kekId: String(row["kek_id"]),
      }),
      belongsTo: {
        projectId: String(row["project_id"]),
        id: String(row["id"]),
        type: String(row["type"]),
        version: Number(row["version"]),
      },
    }),
    write: (rows) => sql`
      update fc.credentials c set wrapped_dek = decode(new.dek, 'hex'), kek_id = new.kek
      from unnest(${textsOf(rows, ({ key }) => key)}::uuid[], ${bytesOf(rows, ({ sealed }) => sealed.wrappedDek)}::text[],
        ${textsOf(rows, ({ sealed }) => sealed.kekId)}::text[]) as new (id, dek, kek)
      where c.id = new.id`,
  },
  packedColumn("webhook_secret"),
  packedColumn("webhook_secret_previous"),
  endpointColumn("secret"),
  endpointColumn("secret_previous"),
  ...appSecrets.map(appColumn),
  {
    name: "answers kept for repeats",
    find: (kekId, limit) => sql`
      select principal, route, key, answer ->> 'sealed' as sealed from fc.idempotency_keys
      where answer ? 'sealed' and substring(decode(answer ->> 'sealed', 'base64') for ${kekId.length + 2}::int) <> ${startOf(kekId)}
      limit ${limit} for update skip locked`,
    read: (row) => {
      const { principal, route, key } = row as Record<string, string>;
      return {
        key: String(key),
        unpack: () => unpackSealed(Buffer.from(String(row["sealed"]), "base64")),
        belongsTo: { projectId: String(principal), id: String(key), type: String(route), version: 1 },
      };
    },
    write: (rows) => sql`
      update fc.idempotency_keys k set answer = jsonb_build_object('sealed', encode(decode(new.packed, 'hex'), 'base64'))
      from unnest(${textsOf(rows, ({ belongsTo }) => belongsTo.projectId)}::text[], ${textsOf(rows, ({ belongsTo }) => belongsTo.type)}::text[],
        ${textsOf(rows, ({ belongsTo }) => belongsTo.id)}::text[], ${packedOf(rows)}::text[]) as new (principal, route, key, packed)
      where k.principal = new.principal and k.route = new.route and k.key = new.key`,
  },
  {
    name: "links of mails",
    find: (kekId, limit) => sql`
      select id, sealed_link from fc.mails
      where sealed_link is not null and substring(sealed_link for ${kekId.length + 2}::int) <> ${startOf(kekId)}
      limit ${limit} for update skip locked`,
    read: (row) => {
      const id = String(row["id"]);
      return { key: id, unpack: () => unpackSealed(row["sealed_link"] as Buffer), belongsTo: linkOf(id) };
    },
    write: (rows) => sql`
      update fc.mails m set sealed_link = decode(new.packed, 'hex')
      from unnest(${textsOf(rows, ({ key }) => key)}::uuid[], ${packedOf(rows)}::text[]) as new (id, packed)
      where m.id = new.id`,
  },
];

/** A secret of a project that lies packed in one column of its row. */
function packedColumn(column: "webhook_secret" | "webhook_secret_previous"): SealedPlace {
  const place = sql.ref(column);
  return {
    name: column,
    find: (kekId, limit) => sql`
      select id, ${place} as packed from fc.projects
      where ${place} is not null and substring(${place} for ${kekId.length + 2}::int) <> ${startOf(kekId)}
      limit ${limit} for update skip locked`,
    read: (row) => {
      const id = String(row["id"]);
      const belongsTo = { projectId: id, id, type: "webhook_secret", version: 1 };
      return { key: id, unpack: () => unpackSealed(row["packed"] as Buffer), belongsTo };
    },
    write: (rows) => sql`
      update fc.projects p set ${place} = decode(new.packed, 'hex')
      from unnest(${textsOf(rows, ({ key }) => key)}::uuid[], ${packedOf(rows)}::text[]) as new (id, packed)
      where p.id = new.id`,
  };
}

/** A secret of an endpoint that lies packed in one column of its row. */
function endpointColumn(column: "secret" | "secret_previous"): SealedPlace {
  const place = sql.ref(column);
  return {
    name: `endpoints' ${column}`,
    find: (kekId, limit) => sql`
      select id, project_id, ${place} as packed from fc.endpoints
      where ${place} is not null and substring(${place} for ${kekId.length + 2}::int) <> ${startOf(kekId)}
      limit ${limit} for update skip locked`,
    read: (row) => {
      const id = String(row["id"]);
      const belongsTo = { projectId: String(row["project_id"]), id, type: "endpoint_secret", version: 1 };
      return { key: id, unpack: () => unpackSealed(row["packed"] as Buffer), belongsTo };
    },
    write: (rows) => sql`
      update fc.endpoints e set ${place} = decode(new.packed, 'hex')
      from unnest(${textsOf(rows, ({ key }) => key)}::uuid[], ${packedOf(rows)}::text[]) as new (id, packed)
      where e.id = new.id`,
  };
}

/** A secret of the instance's GitHub App, in one column of its one row. */
function appColumn(column: (typeof appSecrets)[number]): SealedPlace {
  const place = sql.ref(column);
  return {
    name: `github_app.${column}`,
    find: (kekId, limit) => sql`
      select app_id, ${place} as packed from fc.github_app
      where substring(${place} for ${kekId.length + 2}::int) <> ${startOf(kekId)} limit ${limit} for update skip locked`,
    read: (row) => {
      const appId = String(row["app_id"]);
      return { key: appId, unpack: () => unpackSealed(row["packed"] as Buffer), belongsTo: ofApp(appId, column) };
    },
    write: (rows) => sql`
      update fc.github_app a set ${place} = decode(new.packed, 'hex')
      from unnest(${textsOf(rows, ({ key }) => key)}::bigint[], ${packedOf(rows)}::text[]) as new (id, packed)
      where a.app_id = new.id`,
  };
}
