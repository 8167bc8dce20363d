import { randomUUID } from "node:crypto";
import { type Lease, leaseHeader, leaseHeaderValue } from "@feedback-chat/protocol/worker";

/** A worker's two calls over HTTP, as its own client makes them, without that client's checks. */
export type QueueClient = {
  claim(waitSeconds: number, signal?: AbortSignal): Promise<Lease | null>;
  /** Gives the job up for good: an ending that needs neither tree nor permit. */
  finish(lease: Lease): Promise<void>;
};

export const giveUp = { code: "bench", reason: "Measured.", retryable: false };

export function queueClient(url: string, key: string, workerId: string): QueueClient {
  async function post<T>(path: string, body: unknown, lease?: Lease, signal?: AbortSignal) {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        ...(lease ? { [leaseHeader]: leaseHeaderValue(lease) } : {}),
      },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
  return {
    async claim(waitS, signal) {
      const body = { workerId, claimId: randomUUID(), waitS };
      const answer = await post<{ lease: Lease | null }>("/v1/jobs/claim", body, undefined, signal);
      return answer.lease;
    },
    async finish(lease) {
      await post(`/v1/jobs/${lease.jobId}/fail`, giveUp, lease);
    },
  };
}
