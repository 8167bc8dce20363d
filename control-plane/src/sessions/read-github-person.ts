import * as z from "zod";
import type { AppDeps } from "../app-deps.ts";
import { asSystem } from "../platform/as-tenant.ts";
import { mayEnter } from "./may-enter.ts";

type Deps = Pick<AppDeps, "db" | "config" | "log">;

const person = z.object({ id: z.int(), login: z.string(), name: z.string().nullish() });
const emails = z.array(z.object({ email: z.email().toLowerCase(), primary: z.boolean(), verified: z.boolean() }));

/**
 * Whose token it is: their id, and the primary address that GitHub has verified.
 * @returns null for somebody without one, or who may not come in: they get no account.
 */
export async function readGithubPerson(deps: Deps, accessToken: string) {
  const get = async <T>(path: string, shape: z.ZodType<T>) => {
    const headers = {
      authorization: `Bearer ${accessToken}`,
      "user-agent": "feedback-chat",
      accept: "application/json",
    };
    const response = await fetch(`${deps.config.githubApiUrl}${path}`, {
      headers,
      signal: AbortSignal.timeout(10_000),
    });
    if (!response.ok) throw new Error(`GitHub answered ${response.status} at ${path}.`);
    return shape.parse(await response.json());
  };
  const [{ id, login, name }, addresses] = await Promise.all([get("/user", person), get("/user/emails", emails)]);
  const email = addresses.find(({ primary, verified }) => primary && verified)?.email;
  const isWelcome = email !== undefined && (await asSystem(deps.db, (tx) => mayEnter(tx, deps.config, email)));
  if (isWelcome) return { id: `${id}`, name: name || login, email, emailVerified: true };
  deps.log.info("sign_in.refused", {
    by: "github",
    login,
    reason: email ? "no account and no invite" : "no verified e-mail",
  });
  return null;
}
