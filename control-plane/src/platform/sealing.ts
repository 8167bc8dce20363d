/** A secret at rest: AES-256-GCM under a key of its own, which the master key wraps. */
export type Sealed = { encryptedValue: Buffer; wrappedDek: Buffer; kekId: string };

/**
 * What a sealed value belongs to; a value opened with other words does not open.
 * @example { projectId, id: credentialId, type: "github_token", version: 1 }
 */
export type SealedFor = { projectId: string; id: string; type: string; version: number };

/**
 * The vault. When the master key is lost (`isReady` false) nothing is sealed or opened: Problem `vault_shut`. One secret
 * that does not open (spoiled, moved to another row, wrapped by a key that is not here): `credential_unreadable`.
 */
export interface Sealing {
  readonly isReady: boolean;
  /** Names the master key that new secrets are sealed with. */
  readonly kekId: string;
  seal(plain: string, belongsTo: SealedFor): Sealed;
  open(sealed: Sealed, belongsTo: SealedFor): string;
  /** The same secret with its key wrapped by the master key of today; the secret itself is not opened. */
  rewrap(sealed: Sealed, belongsTo: SealedFor): Sealed;
}
