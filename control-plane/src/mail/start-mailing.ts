import type { AppDeps } from "../app-deps.ts";
import { remindPeople } from "../notices/remind-people.ts";
import { tellOfAbsence } from "../notices/tell-of-absence.ts";
import { type Doing, keepDoing } from "../platform/keep-doing.ts";
import { deliverMails, forgetMails } from "./deliver-mails.ts";
import { openMailer } from "./open-mailer.ts";

const sweepsPerReminder = 12;

/** Sends what is queued as soon as it is committed, and looks every minute for runs that people are to be told of
 * because time went by. */
export function startMailing(deps: AppDeps): Doing {
  const mailer = openMailer(deps.config);
  const everySeconds = deps.config.figures.sweepEverySeconds;
  const sending = keepDoing(deps, { name: "mail", everySeconds, channel: "outbox" }, async (stopped) => {
    while (!stopped.aborted && (await deliverMails({ ...deps, mailer })) > 0);
  });
  const everyMinute = { name: "reminders", everySeconds: everySeconds * sweepsPerReminder, channel: null };
  const reminding = keepDoing(deps, everyMinute, async () => {
    await tellOfAbsence(deps);
    await remindPeople(deps);
    await forgetMails(deps);
  });
  return {
    async stop() {
      await Promise.all([sending.stop(), reminding.stop()]);
      mailer?.close();
    },
  };
}
