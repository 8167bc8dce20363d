import { createSign } from "node:crypto";

type App = { clientId: string; privateKey: string };

/** Clocks differ: GitHub refuses what was signed in its future, and what lasts longer than ten minutes. */
const beforeSeconds = 60;
const lastsSeconds = 540;

/** The token by which the App proves itself to GitHub: a JSON web token, RS256. */
export function signAppToken({ clientId, privateKey }: App, now: Date): string {
  const seconds = Math.floor(now.getTime() / 1000);
  const claims = { iat: seconds - beforeSeconds, exp: seconds + lastsSeconds - beforeSeconds, iss: clientId };
  const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${createSign("RSA-SHA256").update(signed).sign(privateKey, "base64url")}`;
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
