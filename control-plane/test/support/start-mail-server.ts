import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";

export type ReceivedMail = { to: string[]; from: string; subject: string; text: string; messageId: string };
export type MailServer = AsyncDisposable & {
  /** What the control plane is told: SMTP_URL and MAIL_FROM. */
  env: Record<string, string>;
  mails: ReceivedMail[];
  /** Answers the next mails' recipients with this code; null takes them again. */
  refuse(code: number | null): void;
};

const user = { name: "bot", password: "mail-password" };

/** A real mail server on loopback that asks for a login and keeps what it is given. */
export async function startMailServer(): Promise<MailServer> {
  const mails: ReceivedMail[] = [];
  let refusal: number | null = null;
  const server = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      const isRight = username === user.name && password === user.password;
      done(isRight ? null : new Error("wrong login"), isRight ? { user: username } : undefined);
    },
    onRcptTo(_address, _session, done) {
      done(refusal === null ? null : Object.assign(new Error("not now"), { responseCode: refusal }));
    },
    onData(stream, { envelope }, done) {
      const from = envelope.mailFrom ? envelope.mailFrom.address : "";
      const to = envelope.rcptTo.map(({ address }) => address);
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        mails.push({ from, to, ...readMail(Buffer.concat(chunks).toString("utf8")) });
        done();
      });
    },
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const { port } = server.server.address() as AddressInfo;
  return {
    env: {
      SMTP_URL: `smtp://${user.name}:${user.password}@127.0.0.1:${port}`,
      MAIL_FROM: "Feedback <bot@example.com>",
    },
    mails,
    refuse(code) {
      refusal = code;
    },
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(closed.resolve);
      await closed.promise;
    },
  };
}

function readMail(raw: string) {
  const split = raw.indexOf("\r\n\r\n");
  const head = raw.slice(0, split).replace(/\r\n[ \t]+/g, " ");
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1] ?? "";
  const body = raw.slice(split + 4);
  const isQuoted = header("content-transfer-encoding") === "quoted-printable";
  return { subject: header("subject"), messageId: header("message-id"), text: isQuoted ? unquoted(body) : body };
}

function unquoted(body: string): string {
  return body
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** The secret at the end of the mail's link, such as `…/login#link=<secret>`. */
export function secretIn({ text: said }: ReceivedMail): string {
  const secret = /#\w+=([\w.-]+)/.exec(said)?.[1];
  if (!secret) throw new Error(`There is no link in: ${said}`);
  return secret;
}
