export type RecordedModelRequest = {
  method: string;
  /** Pathname and query. */
  path: string;
  /** As they came in; `x-api-key` and `authorization` show their last 4 characters only. */
  headers: Record<string, string>;
  keyLast4: string | null;
  /** The parsed body, null where there is none. */
  body: unknown;
  /** Which scenario answered, and at which step. */
  scenario: string | null;
  step: number | null;
  status: number | null;
  at: Date;
};

export async function recordRequest(request: Request, at: Date): Promise<RecordedModelRequest> {
  const { pathname, search } = new URL(request.url);
  const text = request.method === "POST" ? await request.text() : "";
  const key = keyOf(request.headers);
  const secret = new Set(["x-api-key", "authorization"]);
  const headers = [...request.headers].map(([name, value]) => [name, secret.has(name) ? `…${value.slice(-4)}` : value]);
  return {
    method: request.method, path: pathname + search, headers: Object.fromEntries(headers), keyLast4: key?.slice(-4) ?? null,
    body: parseOrText(text), scenario: null, step: null, status: null, at,
  }; // prettier-ignore
}

/** What is no JSON is kept as it came, so that the refusal can be seen beside it. */
function parseOrText(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

/** The key of a request: `x-api-key`, or the Bearer token of an owner's login. */
export function keyOf(headers: Headers): string | null {
  return headers.get("x-api-key") ?? headers.get("authorization")?.replace(/^Bearer /i, "") ?? null;
}
