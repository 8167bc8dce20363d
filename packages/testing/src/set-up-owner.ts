import { setupOwnerAnswer } from "@feedback-chat/protocol/account";
import { createdKey } from "@feedback-chat/protocol/project";
import { callApi } from "./call-api.ts";

type Heard = { heard(event: string): Promise<Record<string, unknown>> };

/** The first owner by the code that the server prints, and a key for workers. */
export async function setUpOwner(url: string, server: Heard) {
  const { code } = await server.heard("owner.code");
  const person = {
    code, email: "owner@example.com", password: "a long password", login: "owner", wantsCliToken: true,
  }; // prettier-ignore
  const owner = await callApi(
    { url },
    { method: "POST", path: "/api/setup/owner", answer: setupOwnerAnswer, body: person },
  );
  const token = owner.cliToken ?? "";
  const { workspaceId } = owner;
  const { key: workerKey } = await callApi(
    { url, token },
    {
      method: "POST",
      path: `/v1/workspaces/${workspaceId}/worker-keys`,
      answer: createdKey,
      body: { name: "world" },
    },
  );
  return { token, workspaceId, workerKey };
}
