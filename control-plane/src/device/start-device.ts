import type { DeviceCodeAnswer } from "@feedback-chat/protocol/device";
import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { hashDeviceCode, hashUserCode, mintDeviceCodes } from "./device-codes.ts";

type Deps = Pick<AppDeps, "db" | "newId" | "config">;
type Input = { machine: string; address: string };

/** Two codes for a command line without a login: one that it keeps, one that a person types. */
export async function startDevice({ db, newId, config }: Deps, { machine, address }: Input): Promise<DeviceCodeAnswer> {
  const { deviceCodeSeconds, devicePollSeconds } = config.figures;
  const { deviceCode, userCode } = mintDeviceCodes();
  // As the system: nobody is known yet.
  await asSystem(db, async (tx) => {
    await sql`delete from fc.device_codes where expires_at < now()`.execute(tx);
    await sql`insert into fc.device_codes (id, device_hash, user_hash, machine, address, expires_at)
      values (${newId()}, ${hashDeviceCode(deviceCode)}, ${hashUserCode(userCode)}, ${machine}, ${address},
        now() + make_interval(secs => ${deviceCodeSeconds}))`.execute(tx);
  });
  const verificationUrl = `${config.publicUrl ?? ""}/device`;
  const verificationUrlComplete = `${verificationUrl}#code=${userCode}`;
  return {
    deviceCode,
    userCode,
    verificationUrl,
    verificationUrlComplete,
    expiresInSeconds: deviceCodeSeconds,
    intervalSeconds: devicePollSeconds,
  };
}
