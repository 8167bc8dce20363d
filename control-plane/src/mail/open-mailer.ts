import { createTransport } from "nodemailer";
import type { Config } from "../config.ts";

export type Letter = { id: string; to: string; subject: string; text: string };

/** Hands letters to a mail server. */
export type Mailer = {
  /** Rejects when the server did not take it; `responseCode` is then the server's own. */
  send(letter: Letter): Promise<void>;
  close(): void;
};

/** @returns null where no server is named: links go to the operator's log then. */
export function openMailer({ smtpUrl: url, mailFrom: from }: Pick<Config, "smtpUrl" | "mailFrom">): Mailer | null {
  if (url === undefined) return null;
  const transport = createTransport({
    url,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    // A letter of ours is its text: nothing in it may name a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    async send({ id, to, subject, text }) {
      // The same id at each try, so that a mailbox that got it twice can tell.
      await transport.sendMail({ from, to, subject, text, messageId: `<${id}@feedback-chat>` });
    },
    close: () => transport.close(),
  };
}
