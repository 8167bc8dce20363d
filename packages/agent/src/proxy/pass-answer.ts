import type { ServerResponse } from "node:http";
import { makeRedactor } from "../core/redact.ts";
import type { Upstream } from "./call-model.ts";
import { answerHeaders, type ModelCredential } from "./headers.ts";

type Passing = {
  response: ServerResponse;
  credential: ModelCredential;
  /** Sees every byte of an answer that is one. */
  see(chunk: Uint8Array): void;
};

/**
 * Hands the provider's answer through: byte for byte where it is an answer. What it says against a request may name the
 * key that we sent with it: that is not for whoever is inside.
 * @returns true when one of the two sides ended before the answer did.
 */
export async function passAnswer(upstream: Upstream, passing: Passing): Promise<boolean> {
  const { response, credential } = passing;
  const clean = makeRedactor([{ name: "key", value: credential.value }]).text;
  const headers = Object.entries(answerHeaders(upstream.headers)).map(([name, value]) => [name, clean(value)]);
  const isAnswer = upstream.statusCode >= 200 && upstream.statusCode < 300;
  try {
    response.writeHead(upstream.statusCode, Object.fromEntries(headers));
    if (!isAnswer) {
      response.end(clean(await beginningOf(upstream)));
      return false;
    }
    for await (const chunk of upstream.body as AsyncIterable<Uint8Array>) {
      passing.see(chunk);
      if (!response.write(chunk)) await drained(response);
      if (response.destroyed) return true;
    }
    response.end();
    return false;
  } catch {
    // Either side may end in the middle, in as many ways as there are of losing a connection.
    response.destroy();
    return true;
  } finally {
    upstream.body.destroy();
  }
}

const maxErrorBytes = 64 * 1024;

/** Of an answer that is only read by us; whatever length it has. */
export async function beginningOf({ body }: Upstream): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= maxErrorBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxErrorBytes).toString("utf8");
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      response.off("drain", go);
      response.off("close", go);
      resolve();
    };
    response.once("drain", go);
    response.once("close", go);
  });
}
