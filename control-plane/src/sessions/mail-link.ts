import { sql } from "kysely";
import type { AppDeps } from "../app-deps.ts";
import { queueLinkMail } from "../mail/queue-mail.ts";
import { asSystem } from "../platform/as-tenant.ts";
import type { Tx } from "../platform/database.ts";
import { mayEnter } from "./may-enter.ts";

type Deps = Pick<AppDeps, "db" | "sealing" | "newId" | "config">;
type Link = { email: string; token: string };

export const linkLifeSeconds = 600;
/** Nobody fills a stranger's mailbox through us. */
const mailsPerMinute = 3;

const words = {
  magic_link: {
    subject: "Sign in to feedback-chat",
    body: "Sign in, once, within 10 minutes: {link}\n\nIf you did not ask for this, ignore it: nothing happens without the link.\n",
    fragment: "link",
  },
  verify_email: {
    subject: "Confirm your e-mail address",
    body: "Somebody signed in to feedback-chat with this address and its password. If that was you, confirm it within 10 minutes: {link}\n\nIf not, ignore this.\n",
    fragment: "verify",
  },
};

/**
 * Mails a link that opens a session, or proves the address. The token stands in the fragment, which no log sees. For an
 * address that may not come in the same work is done, and nothing is sent: the answer tells nobody who has an account.
 */
export async function mailLink(deps: Deps, kind: keyof typeof words, { email, token }: Link): Promise<void> {
  const { subject, body, fragment } = words[kind];
  await asSystem(deps.db, async (tx) => {
    const isWanted = (await mayEnter(tx, deps.config, email)) && !(await isFlooded(tx, email));
    const link = `${deps.config.publicUrl ?? ""}/login#${fragment}=${token}`;
    await queueLinkMail(tx, deps, { kind, to: email, subject, body, link, lifeSeconds: linkLifeSeconds, isWanted });
  });
}

async function isFlooded(tx: Tx, email: string): Promise<boolean> {
  const { rows } = await sql`select from fc.mails where recipient = ${email} and kind in ('magic_link', 'verify_email')
    and created_at > now() - interval '1 minute' limit ${mailsPerMinute}`.execute(tx);
  return rows.length >= mailsPerMinute;
}
