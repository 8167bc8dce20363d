import { randomUUID } from "node:crypto";
import { problemDetails } from "@feedback-chat/protocol/problem";
import { claimAnswer, type Lease, leaseHeader, leaseHeaderValue, registerAnswer } from "@feedback-chat/protocol/worker";
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import type { Hono } from "hono";
import { packageVersion } from "../../src/platform/package-version.ts";

export type Answer = { status: number; body: Record<string, unknown>; bytes: Buffer };
type HeldBy = Pick<Lease, "jobId" | "attempt" | "token">;

/** Speaks the protocol by hand, so that a test can also say what our worker never would. */
export type TestWorker = Awaited<ReturnType<typeof openTestWorker>>;

export async function openTestWorker(
  app: Pick<Hono, "request">,
  key: string,
  { name = "worker", version = packageVersion } = {},
) {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const pair = await suite.kem.generateKeyPair();
  const publicKey = Buffer.from(await suite.kem.serializePublicKey(pair.publicKey)).toString("base64url");

  async function call(method: string, path: string, body?: unknown, lease?: HeldBy): Promise<Answer> {
    const isRaw = body instanceof Uint8Array;
    const response = await app.request(path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(isRaw || body === undefined ? {} : { "content-type": "application/json" }),
        ...(lease ? { [leaseHeader]: leaseHeaderValue(lease) } : {}),
      },
      ...(body === undefined ? {} : { body: isRaw ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get("content-type")?.includes("json");
    return {
      status: response.status,
      bytes,
      body: isJson ? (JSON.parse(bytes.toString()) as Record<string, unknown>) : {},
    };
  }

  const registration = {
    name,
    version,
    capabilities: { engines: ["claude-code"], sandbox: "bubblewrap" },
    publicKey,
    concurrency: 1,
  };
  const registered = await call("POST", "/v1/workers", registration);
  if (registered.status !== 201) throw new Error(`not registered: ${problemDetails.parse(registered.body).code}`);
  const { workerId } = registerAnswer.parse(registered.body);

  return {
    workerId,
    call,
    /** One of the lease's routes. */
    say: (lease: HeldBy, rest: string, body: unknown = {}) =>
      call("POST", `/v1/jobs/${lease.jobId}/${rest}`, body, lease),
    async claim(waitS = 0, claimId: string = randomUUID()) {
      const { status, body } = await call("POST", "/v1/jobs/claim", { workerId, claimId, waitS });
      if (status !== 200) throw new Error(`no claim: ${JSON.stringify(body)}`);
      return claimAnswer.parse(body);
    },
    async open(sealed: { enc: string; ciphertext: string }, info: string): Promise<string> {
      const enc = Buffer.from(sealed.enc, "base64url");
      const recipient = await suite.createRecipientContext({
        recipientKey: pair.privateKey,
        enc,
        info: new TextEncoder().encode(info),
      });
      return new TextDecoder().decode(await recipient.open(Buffer.from(sealed.ciphertext, "base64url")));
    },
  };
}
