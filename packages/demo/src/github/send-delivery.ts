import { createHmac } from "node:crypto";
import type { Delivery, Hook, Hub } from "./hub.ts";

/** One delivery with the exact bytes that will go out, signed. */
export function newDelivery(
  hub: Hub,
  hook: Hook,
  { guid, event, payload }: { guid: string; event: string; payload: Record<string, unknown> },
): Delivery {
  const json = JSON.stringify(payload);
  const body = hook.contentType === "json" ? json : new URLSearchParams({ payload: json }).toString();
  const id = hub.newId();
  const signatures: Record<string, string> =
    hook.secret === null
      ? {}
      : {
          "X-Hub-Signature": sign("sha1", hook.secret, body),
          "X-Hub-Signature-256": sign("sha256", hook.secret, body),
        };
  const headers = {
    Accept: "*/*",
    "Content-Type": hook.contentType === "json" ? "application/json" : "application/x-www-form-urlencoded",
    "User-Agent": "GitHub-Hookshot/0demo00",
    "X-GitHub-Delivery": guid,
    "X-GitHub-Event": event,
    "X-GitHub-Hook-ID": String(hook.id),
    "X-GitHub-Hook-Installation-Target-ID": String(hook.appId ?? payloadId(payload, "repository") ?? hook.id),
    "X-GitHub-Hook-Installation-Target-Type": hook.appId === undefined ? "repository" : "integration",
    ...signatures,
  };
  const action = typeof payload["action"] === "string" ? payload["action"] : null;
  const request = { headers, payload: JSON.parse(json) as unknown, body };
  const response = { headers: {}, payload: "" };
  return {
    id,
    guid,
    deliveredAt: hub.now(),
    isRedelivery: false,
    durationSeconds: 0,
    statusCode: 0,
    event,
    action,
    request,
    response,
    installationId: payloadId(payload, "installation"),
    repositoryId: payloadId(payload, "repository"),
  };
}

function payloadId(payload: Record<string, unknown>, name: string): number | null {
  return (payload[name] as { id?: number } | undefined)?.id ?? null;
}

function sign(algorithm: "sha1" | "sha256", secret: string, body: string): string {
  return `${algorithm}=${createHmac(algorithm, secret).update(body).digest("hex")}`;
}

/** One attempt: GitHub waits ten seconds for an answer and never tries again by itself. */
export async function sendDelivery(
  hub: Hub,
  { hook, delivery }: { hook: Hook; delivery: Delivery },
  stopped: AbortSignal,
): Promise<void> {
  const began = hub.now().getTime();
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(10_000)]);
  const { headers, body } = delivery.request;
  const answered = await fetch(hook.url, {
    method: "POST",
    headers,
    body,
    signal,
    redirect: "manual",
  }).then(
    async (answer) => ({
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      text: await answer.text(),
    }),
    (error: unknown) => ({ status: 0, headers: {}, text: String(error) }),
  );
  delivery.statusCode = answered.status;
  delivery.response = { headers: answered.headers, payload: answered.text.slice(0, 10_000) };
  delivery.durationSeconds = (hub.now().getTime() - began) / 1000;
}
