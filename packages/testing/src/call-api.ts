import { randomUUID } from "node:crypto";
import { fromProblemDetails, isProblem, problemDetails } from "@feedback-chat/protocol/problem";
import type * as z from "zod";

type Caller = { url: string; token?: string };
type ApiCall<T> = {
  method: "GET" | "POST" | "PATCH";
  path: string;
  answer: z.ZodType<T>;
  body?: unknown;
};

/**
 * One request of a person or a program to the server's API, checked against its published shape.
 * @throws Problem that the server answered; TypeError when nobody answered.
 */
export async function callApi<T>({ url, token }: Caller, { method, path, answer, body }: ApiCall<T>): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(method === "POST" ? { "idempotency-key": randomUUID() } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const content: unknown = text === "" ? undefined : JSON.parse(text);
  if (!response.ok) throw fromProblemDetails(problemDetails.parse(content));
  return answer.parse(content);
}

/** What a test has to expect while it restarts the server. */
export function isServerDown(error: unknown): boolean {
  return error instanceof TypeError || isProblem(error, "unavailable");
}
