import { deleteCliTokensKeyId, getCliTokens } from "@feedback-chat/protocol/operations";
import { isProblem } from "@feedback-chat/protocol/problem";
import { clientOf } from "./api-client.ts";
import type { Profile } from "./profiles.ts";

/**
 * Makes the token of a stored login worthless at its server.
 * @returns false if the server does not take it any more: that is what was wanted.
 */
export async function revokeLogin({ url, token, keyId: known }: Profile): Promise<boolean> {
  const api = clientOf(url, token);
  try {
    const keyId = known ?? (await api.call(getCliTokens)).items.find(({ prefix }) => token.startsWith(prefix))?.id;
    if (keyId) await api.call(deleteCliTokensKeyId, { params: { keyId } });
    return keyId !== undefined;
  } catch (error) {
    if (isProblem(error, "unauthenticated")) return false;
    throw error;
  }
}
