import { deleteCliTokensKeyId, getCliTokens } from "@feedback-chat/protocol/operations";
import { isProblem } from "@feedback-chat/protocol/problem";
import { type ApiClient, clientOf } from "./api-client.ts";
import type { Profile } from "./profiles.ts";

/**
 * Makes the token of a stored login worthless at its server.
 * @returns false if the server does not take it any more: that is what was wanted.
 */
export async function revokeLogin({ url, token, keyId: known }: Profile): Promise<boolean> {
  const api = clientOf(url, token);
  try {
    const keyId = known ?? (await findKey(api, token));
    if (keyId) await api.call(deleteCliTokensKeyId, { params: { keyId } });
    return keyId !== undefined;
  } catch (error) {
    if (isProblem(error, "unauthenticated")) return false;
    throw error;
  }
}

/** A login of before its key's id was kept: the list tells keys by their beginning. */
async function findKey(api: ApiClient, token: string): Promise<string | undefined> {
  let cursor: string | undefined;
  do {
    const { items, nextCursor } = await api.call(getCliTokens, { query: { limit: 100, cursor } });
    const found = items.find(({ prefix }) => token.startsWith(prefix));
    if (found) return found.id;
    cursor = nextCursor ?? undefined;
  } while (cursor);
  return undefined;
}
