import { createVerify } from "node:crypto";
import type { Hub } from "../hub.ts";
import { notFound, refusal } from "../refuse.ts";
import type { GithubApp } from "./app-state.ts";

type Claims = { iat?: unknown; exp?: unknown; iss?: unknown };

/** True for what has the form of a JSON web token: apps prove themselves with those, nobody else does. */
export function isJwt(value: string): boolean {
  return /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(value);
}

/**
 * The app that signed this token: RS256, issued by now, over within ten minutes.
 * @throws 401 in GitHub's words, 404 when no app has this id.
 */
export function appOfJwt(hub: Hub, token: string): GithubApp {
  const [head = "", body = "", signature = ""] = token.split(".");
  const header = decode(head) as { alg?: unknown } | undefined;
  const claims = decode(body) as Claims | undefined;
  if (!header || !claims || header.alg !== "RS256") throw refused("A JSON web token could not be decoded");
  const nowSeconds = hub.now().getTime() / 1000;
  const { iat, exp, iss } = claims;
  if (!Number.isInteger(exp))
    throw refused("'Expiration time' claim ('exp') must be a numeric value representing the future time.");
  if (Number(exp) <= nowSeconds)
    throw refused("'Expiration time' claim ('exp') must be a numeric value representing the future time.");
  if (Number(exp) > nowSeconds + 600) throw refused("'Expiration time' claim ('exp') is too far in the future");
  if (!Number.isInteger(iat) || Number(iat) > nowSeconds)
    throw refused("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
  const app = [...hub.apps.byId.values()].find(({ id, clientId }) => String(iss) === String(id) || iss === clientId);
  if (!app) throw notFound("Integration not found");
  const verifier = createVerify("RSA-SHA256").update(`${head}.${body}`);
  if (!verifier.verify(app.publicKey, signature, "base64url")) throw refused("A JSON web token could not be decoded");
  return app;
}

function decode(part: string): unknown {
  const text = Buffer.from(part, "base64url").toString("utf8");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refused("A JSON web token could not be decoded");
  }
}

const refused = (message: string) => refusal(401, message);
