import { sql } from "kysely";
import type { Tx } from "../platform/database.ts";
import { packSealed } from "../platform/pack-sealed.ts";
import type { SealedFor, Sealing } from "../platform/sealing.ts";

type Deps = { sealing: Sealing; newId: () => string };
export type MailKind = "invite" | "magic_link" | "verify_email";
type LinkMail = {
  kind: MailKind;
  to: string;
  subject: string;
  /** Says `{link}` where the link goes. */
  body: string;
  link: string;
  lifeSeconds: number;
  /** False for an address that nobody here knows: the same work is done for it, and nothing is sent. */
  isWanted: boolean;
};

/** Queues a mail with a link that opens something, in the transaction that makes the link. As the system. */
export async function queueLinkMail(tx: Tx, { sealing, newId }: Deps, mail: LinkMail): Promise<void> {
  const id = newId();
  const sealed = packSealed(sealing.seal(mail.link, linkOf(id)));
  await sql`
    with told as (select pg_notify('fc_outbox', ''))
    insert into fc.mails (id, kind, recipient, once, subject, body, sealed_link, expires_at, done_at)
    select ${id}::uuid, ${mail.kind}, ${mail.to}, ${id}, ${mail.subject}, ${mail.body},
      case when ${mail.isWanted} then ${sealed}::bytea end, now() + make_interval(secs => ${mail.lifeSeconds}),
      case when ${mail.isWanted} then null else now() end
    from told`.execute(tx);
}

/** What the sealed link of that mail belongs to. */
export function linkOf(mailId: string): SealedFor {
  return { projectId: "", id: mailId, type: "mail_link", version: 1 };
}
