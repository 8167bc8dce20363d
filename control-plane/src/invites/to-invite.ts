import { idOf } from "@feedback-chat/protocol/ids";
import type { Invite } from "@feedback-chat/protocol/workspace";
import type { Role } from "../platform/caller.ts";

export type InviteRow = { id: string; email: string; role: Role; expires_at: Date; created_at: Date };

export function toInvite({ id, email, role, expires_at: expiresAt, created_at: createdAt }: InviteRow): Invite {
  return { id: idOf("inv", id), email, role, expiresAt: expiresAt.toISOString(), createdAt: createdAt.toISOString() };
}
