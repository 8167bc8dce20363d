import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { v7 as uuidv7 } from "uuid";
import type { AppDeps } from "../app-deps.ts";
import type { Database } from "../platform/database.ts";
import type { Log } from "../platform/log.ts";
import { addressHeader } from "../platform/sender-address.ts";
import { signInWays } from "./sign-in-ways.ts";

type Deps = { database: Database; log: Log };
type OpenDeps = Deps & Pick<AppDeps, "db" | "sealing" | "newId" | "config">;
type Input = { secret: string; publicUrl: string };

export type NewAccount = {
  email: string;
  name: string;
  password: string | null;
  /** False until the mailbox has said so: GitHub's word for the same address does not open the account then. */
  isEmailProven: boolean;
};

/** People's accounts and sessions, kept by better-auth in the schema `auth`. */
export interface Sessions {
  /** Of the session cookie, with the session's token; null without a live one. */
  sessionOf(headers: Headers): Promise<{ userId: string; token: string } | null>;
  /** Whose these tokens of sessions are, which were proven before by their cookies' signatures; null for one that ended. */
  usersOf(tokens: readonly string[]): Promise<(string | null)[]>;
  /** Ends the session whose cookie these headers bring, if it is one. */
  endSessionOf(headers: Headers): Promise<void>;
  /** better-auth's own answers, for the few paths that `mount-auth.ts` lets through. */
  answer(request: Request): Promise<Response>;
  /** An account of that e-mail and password; without a password nobody can log in to it. Null if the e-mail has one. */
  createAccount(account: NewAccount): Promise<string | null>;
  removeAccount(userId: string): Promise<void>;
  accountOf(email: string): Promise<string | null>;
}

/**
 * better-auth with its unsafe defaults changed: no sign-up, rate limits in the database in every mode, a `__Host-`
 * cookie under https, no telemetry, addresses only from our own header. Its session tokens are kept in the clear, so
 * they are worth nothing but together with the cookie's signature.
 */
export function openSessions(deps: OpenDeps, input: Input): Sessions {
  const settings = settingsOf(deps, input);
  // Where mail works, an address is proven before its password opens anything.
  const requireEmailVerification = deps.config.smtpUrl !== undefined;
  const emailAndPassword = { ...settings.emailAndPassword, requireEmailVerification };
  const auth = betterAuth({ ...settings, ...signInWays(deps, input), emailAndPassword });
  return {
    async sessionOf(headers) {
      const live = await auth.api.getSession({ headers });
      return live && { userId: live.user.id, token: live.session.token };
    },
    async usersOf(tokens) {
      const { rows } = await deps.database.pool.query<{ userId: string | null }>(
        `select s."userId" from unnest($1::text[]) with ordinality as asked (token, place)
         left join auth.session s on s.token = asked.token and s."expiresAt" > now() order by asked.place`,
        [tokens],
      );
      return rows.map(({ userId }) => userId);
    },
    async endSessionOf(headers) {
      const live = await auth.api.getSession({ headers });
      const { internalAdapter } = await auth.$context;
      if (live) await internalAdapter.deleteSession(live.session.token);
    },
    answer: (request) => auth.handler(request),
    async createAccount({ email, name, password, isEmailProven }) {
      const { internalAdapter, password: passwords } = await auth.$context;
      if (await internalAdapter.findUserByEmail(email)) return null;
      const hash = password === null ? null : await passwords.hash(password);
      const user = await internalAdapter.createUser(
        { email, name, emailVerified: isEmailProven },
        { method: "email-password" },
      );
      if (hash)
        await internalAdapter.linkAccount({
          userId: user.id, providerId: "credential", accountId: user.id, password: hash,
        }); // prettier-ignore
      return user.id;
    },
    async removeAccount(userId) {
      const { internalAdapter } = await auth.$context;
      await internalAdapter.deleteUser(userId);
    },
    async accountOf(email) {
      const { internalAdapter } = await auth.$context;
      return (await internalAdapter.findUserByEmail(email))?.user.id ?? null;
    },
  };
}

/** A number of its own: 7316402915 is of our migrations, 7316402917 of the sweeper's leader. */
const migrationLock = "7316402919";

/**
 * Brings better-auth's tables to its newest schema. Of two servers that start at once, one works: it holds a lock in a
 * transaction of another connection, since a session's lock would stay with a connection that a pooler keeps.
 */
export async function migrateSessions(deps: Deps): Promise<void> {
  const run = async () => (await getMigrations(settingsOf(deps, unused))).runMigrations();
  // The embedded database has one connection and one process: a lock would only wait for itself.
  if (deps.database.kind === "embedded") return run();
  const client = await deps.database.pool.connect();
  try {
    await client.query("begin");
    await client.query(`select pg_advisory_xact_lock(${migrationLock})`);
    await run();
    await client.query("commit");
    client.release();
  } catch (error) {
    client.release(true); // closed: its transaction ends with it
    throw error;
  }
}

/** better-auth's tables that are missing, or lack a column. */
export async function lackingSessionTables(deps: Deps): Promise<string[]> {
  const { toBeCreated, toBeAdded } = await getMigrations(settingsOf(deps, unused));
  return [...toBeCreated, ...toBeAdded].map(({ table }) => `auth.${table}`);
}

/** Looking at tables needs neither. */
const unused = { secret: "unused by migrations, of a length that is accepted", publicUrl: "http://localhost" };

function settingsOf({ database, log }: Deps, { secret, publicUrl }: Input) {
  const isSecure = publicUrl.startsWith("https:");
  return {
    appName: "feedback-chat",
    baseURL: publicUrl,
    basePath: "/api/auth",
    secret,
    // Named in each statement: the connection's search path is a pooler's to forget.
    database: { db: database.db, type: "postgres" as const, schemaName: "auth", transaction: true },
    trustedOrigins: originsOf(publicUrl),
    emailAndPassword: { enabled: true, disableSignUp: true, minPasswordLength: 10, autoSignIn: false },
    session: { expiresIn: 7 * 24 * 3600, updateAge: 24 * 3600, cookieCache: { enabled: false } },
    rateLimit: {
      enabled: true, storage: "database" as const, window: 60, max: 60,
      customRules: { "/sign-in/email": { window: 60, max: 30 }, "/change-password": { window: 60, max: 30 } },
    },
    telemetry: { enabled: false },
    logger: {
      level: "warn" as const,
      log: (level: string, message: string) => {
        // It made the column itself, and does not know Postgres' name for its type again at the next start.
        if (message.startsWith("Field lastRequest in table rateLimit has a different type")) return;
        if (level === "error") log.error("sessions.error", { reason: message });
        else log.warn("sessions.warning", { reason: message });
      },
    },
    advanced: {
      useSecureCookies: false, // it would say `__Secure-`; ours says the stricter `__Host-`
      cookiePrefix: isSecure ? "__Host-feedback-chat" : "feedback-chat",
      defaultCookieAttributes: { secure: isSecure, httpOnly: true, sameSite: "lax" as const, path: "/" },
      ipAddress: { ipAddressHeaders: [addressHeader] },
      // The same id names the person in `fc.users`.
      database: { generateId: () => uuidv7() },
    },
  }; // prettier-ignore
}

/** A browser on this machine may name it by any of its loopback names. */
export function originsOf(publicUrl: string): string[] {
  const { origin, protocol, port, hostname } = new URL(publicUrl);
  const loopback = ["localhost", "127.0.0.1", "[::1]"];
  if (!loopback.includes(hostname)) return [origin];
  return loopback.map((host) => `${protocol}//${host}${port ? `:${port}` : ""}`);
}
