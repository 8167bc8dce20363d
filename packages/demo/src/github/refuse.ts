import { HTTPException } from "hono/http-exception";

type FieldError = { resource: string; field?: string; code: string; message?: string };
type Refusal = { errors?: FieldError[]; headers?: Record<string, string> };

/** GitHub's error answer, thrown: `message`, `documentation_url`, `status`, and `errors` for a 422. */
export function refusal(status: number, message: string, { errors, headers }: Refusal = {}): HTTPException {
  const body = {
    message,
    ...(errors ? { errors } : {}),
    documentation_url: documentation,
    status: String(status),
  };
  const res = Response.json(body, { status, ...(headers ? { headers } : {}) });
  return new HTTPException(status as 400, { message, res });
}

export function notFound(message = "Not Found"): HTTPException {
  return refusal(404, message);
}

export function invalid(...errors: FieldError[]): HTTPException {
  return refusal(422, "Validation Failed", { errors });
}

export const documentation = "https://docs.github.com/rest";
