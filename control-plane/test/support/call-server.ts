import { createProjectAnswer, type CreateProjectAnswer } from "@feedback-chat/protocol/project";
import { setupOwnerAnswer } from "@feedback-chat/protocol/account";
import type { TestServer } from "./start-test-server.ts";

export type Answer = {
  status: number;
  body: Record<string, unknown>;
  text: string;
  headers: Headers;
};
type Call = { token?: string | null; body?: unknown; headers?: Record<string, string> };

/** One request to the server, as a client sends it. */
export async function call(
  server: { url: string },
  method: string,
  path: string,
  { token, body, headers }: Call = {},
): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") ?? false;
  return {
    status: response.status,
    text,
    headers: response.headers,
    body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

export const owner = { email: "ann@example.com", password: "correct horse battery" };

/** The first owner, by the code that the server told. */
export async function becomeOwner(server: TestServer): Promise<{ token: string; workspaceId: string; userId: string }> {
  const { body } = await call(server, "POST", "/api/setup/owner", {
    body: {
      ...owner,
      login: "ann",
      code: server.ownerCode(),
      wantsCliToken: true,
      machine: "test",
    },
  });
  const { cliToken, workspaceId, userId } = setupOwnerAnswer.parse(body);
  return { token: cliToken ?? "", workspaceId, userId };
}

export async function createProject(server: TestServer, token: string, name = "Shop"): Promise<CreateProjectAnswer> {
  const { body } = await call(server, "POST", "/v1/projects", {
    token,
    body: { name, githubRepo: "acme/shop" },
  });
  return createProjectAnswer.parse(body);
}
