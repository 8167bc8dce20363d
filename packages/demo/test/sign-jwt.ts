import { createSign } from "node:crypto";

type Claims = { iss: string | number; iat: number; exp: number };

/** The token by which an app proves itself. */
export function signJwt(privateKey: string, claims: Claims, algorithm = "RS256"): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: algorithm, typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
}

/** Claims that GitHub takes at this moment. */
export function claimsNow(iss: string | number, { fromSeconds = -30, toSeconds = 540 } = {}): Claims {
  const now = Math.floor(Date.now() / 1000);
  return { iss, iat: now + fromSeconds, exp: now + toSeconds };
}
