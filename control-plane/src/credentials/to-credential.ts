import { idOf } from "@feedback-chat/protocol/ids";
import type { Credential, CredentialType } from "@feedback-chat/protocol/project";

export type CredentialRow = {
  id: string;
  type: CredentialType;
  last4: string;
  status: Credential["status"];
  created_at: Date;
};

export function toCredential({ id, type, last4, status, created_at }: CredentialRow): Credential {
  return { id: idOf("crd", id), type, last4, status, createdAt: created_at.toISOString() };
}
