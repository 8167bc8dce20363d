import * as z from "zod";

/** `POST /api/auth/device/code`: a command line that wants to be let in (RFC 8628, in our own spelling). */
export const deviceCodeRequest = z.strictObject({
  /** Shown to the person who decides, and in the list of their tokens. */
  machine: z.string().trim().min(1).max(100),
});
export const deviceCodeAnswer = z.object({
  /** For the command line alone. */
  deviceCode: z.string(),
  /** What the person compares and types, such as `BCDF-GHJK`. */
  userCode: z.string(),
  verificationUrl: z.url(),
  /** With the code in its fragment, which no log sees. */
  verificationUrlComplete: z.url(),
  expiresInSeconds: z.number(),
  intervalSeconds: z.number(),
});
export type DeviceCodeAnswer = z.infer<typeof deviceCodeAnswer>;

/** `POST /api/auth/device/token`: asked every `intervalSeconds` until it answers with a CLI token. */
export const deviceTokenRequest = z.strictObject({ deviceCode: z.string().max(100) });

const userCode = z.string().max(40);
/** `POST /v1/device/look`: what a code would let in, before one decides. */
export const deviceLookRequest = z.strictObject({ userCode });
export const deviceLookAnswer = z.object({ machine: z.string(), address: z.string(), expiresAt: z.iso.datetime() });
export type DeviceLookAnswer = z.infer<typeof deviceLookAnswer>;
/** `POST /v1/device/decide`, by a session. */
export const deviceDecideRequest = z.strictObject({ userCode, decision: z.enum(["approved", "denied"]) });
