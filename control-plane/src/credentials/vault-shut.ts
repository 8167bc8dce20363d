import { isProblem, Problem } from "@feedback-chat/protocol/problem";

/** Why such a run waits, word for word: what a right master key wakes is found by it. */
export const vaultShut = "The server cannot open its secrets: its master key is not the one that sealed them.";

/**
 * `unavailable` means "soon": to a worker that would be for ever. A secret that does not open waits for a person.
 * @throws Problem vault_shut, or what `open` throws besides
 */
export async function openOrVaultShut<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (isProblem(error, "unavailable")) throw new Problem("vault_shut", vaultShut, { cause: error });
    throw error;
  }
}
