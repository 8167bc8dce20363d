import { apiError } from "./answer-step.ts";
import { type MessagesRequest, messagesRequest } from "./read-request.ts";
import { keyOf } from "./record-request.ts";

/** The request for a message, or the answer that needs no script: a refusal, a count, the sign of life. */
export function judgeRequest(request: Request, body: unknown, key: string | undefined): MessagesRequest | Response {
  const { pathname } = new URL(request.url);
  const { method } = request;
  if (pathname === "/" && (method === "HEAD" || method === "GET")) return new Response(null);
  if (method !== "POST") return apiError(405, "invalid_request_error", "Method not allowed");
  const isCount = pathname === "/v1/messages/count_tokens";
  if (!isCount && pathname !== "/v1/messages") return apiError(404, "not_found_error", "Not found");
  const given = keyOf(request.headers);
  if (given === null || (key !== undefined && given !== key))
    return apiError(401, "authentication_error", "invalid x-api-key");
  const parsed = messagesRequest.safeParse(body);
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    return apiError(400, "invalid_request_error", fields.join("; "));
  }
  return isCount ? Response.json({ input_tokens: Math.ceil(JSON.stringify(body).length / 4) }) : parsed.data;
}
