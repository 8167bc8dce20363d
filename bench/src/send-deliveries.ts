/** Started by delivery-load.ts: GitHub's side of a webhook, in a process of its own. */
import { createHmac, randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Load, LoadSeen, Target } from "./delivery-load.ts";

/** So many at once are unanswered: the other side is lost, and more of the same would say nothing. */
const mostOpen = 2_000;

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

process.on("message", (load: Load) => {
  deliver(load).then(
    (seen) => process.send?.(seen),
    (error: unknown) => process.send?.({ latenciesMs: [], failed: 1, why: String(error) } satisfies LoadSeen),
  );
});

/**
 * So many a second by the clock, whether or not the last ones were answered; each is counted from the moment at which
 * it was due, so that a sender that is held up hides nothing.
 */
async function deliver({ targets, ratePerSecond, seconds, firstIssue }: Load): Promise<LoadSeen> {
  const seen: LoadSeen = { latenciesMs: [], failed: 0, why: null };
  const count = Math.round(ratePerSecond * seconds);
  const open = new Set<Promise<void>>();
  const startMs = performance.now();
  for (let n = 0; n < count; n += 1) {
    const dueMs = startMs + (n * 1_000) / ratePerSecond;
    const earlyMs = dueMs - performance.now();
    if (earlyMs > 0) await pause(earlyMs);
    if (open.size >= mostOpen) return { ...seen, failed: seen.failed + count - n, why: "too many unanswered" };
    const target = targets[n % targets.length];
    if (!target) throw new RangeError("There is nobody to deliver to.");
    const sending = send(target, firstIssue + n).then(
      (status) => {
        if (status === 202) seen.latenciesMs.push(performance.now() - dueMs);
        else [seen.failed, seen.why] = [seen.failed + 1, `status ${status}`];
      },
      (error: unknown) => {
        [seen.failed, seen.why] = [seen.failed + 1, String(error)];
      },
    );
    open.add(sending);
    void sending.finally(() => open.delete(sending));
  }
  await Promise.all(open);
  return seen;
}

function send({ url, secret, repository }: Target, issue: number): Promise<number> {
  const bytes = Buffer.from(JSON.stringify(issueOpened(repository, issue)));
  const signature = createHmac("sha256", secret).update(bytes).digest("hex");
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = request(url, {
    method: "POST",
    agent,
    headers: {
      "content-type": "application/json",
      "content-length": bytes.length,
      "x-github-event": "issues",
      "x-github-delivery": randomUUID(),
      "x-hub-signature-256": `sha256=${signature}`,
    },
  });
  sent.on("response", (answer) => {
    answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
  });
  sent.on("error", reject);
  sent.end(bytes);
  return promise;
}

/** An issue that is born with the trigger label, as large as GitHub's own: most of it are addresses. */
function issueOpened(repository: Target["repository"], number: number) {
  const links = Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [`link_${n}_url`, `https://api.github.com/repos/${repository.full_name}/link/${n}{/sha}`]),
  );
  return {
    action: "opened",
    issue: {
      number,
      title: "The total is wrong",
      body: "With two items the cart shows one. ".repeat(20),
      html_url: `https://github.com/${repository.full_name}/issues/${number}`,
      user: { login: "reporter" },
      labels: [{ name: "auto-implement" }],
      state: "open",
      updated_at: new Date().toISOString(),
    },
    repository: { ...repository, ...links },
    sender: { login: "maintainer" },
  };
} // prettier-ignore
