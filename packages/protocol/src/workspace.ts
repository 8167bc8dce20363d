import * as z from "zod";
import { linkWentTo, memberRoles } from "./account.ts";
import { idSchema } from "./ids.ts";
import { pageOf } from "./run.ts";

const name = z.string().trim().min(1).max(100);
const role = z.enum(memberRoles);
const time = z.iso.datetime();

/** `POST /v1/workspaces`: whoever makes one is its owner. `PATCH …/:id`: its new name. */
export const workspaceRequest = z.strictObject({ name });
export const workspace = z.object({ id: idSchema("ws"), name: z.string(), role });
export type Workspace = z.infer<typeof workspace>;

export const member = z.object({
  userId: idSchema("usr"),
  login: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  role,
  joinedAt: time,
});
export type Member = z.infer<typeof member>;
export const memberPage = pageOf(member);
export const patchMemberRequest = z.strictObject({ role });

/** `POST /v1/workspaces/:id/invites`. The same e-mail again: a new link, and the old one is dead. */
export const createInviteRequest = z.strictObject({ email: z.email().max(254).toLowerCase(), role });
export const invite = z.object({ id: idSchema("inv"), email: z.string(), role, expiresAt: time, createdAt: time });
export type Invite = z.infer<typeof invite>;
export const invitePage = pageOf(invite);

export const createInviteAnswer = z.object({ invite, linkWentTo });
export type CreateInviteAnswer = z.infer<typeof createInviteAnswer>;

/** `POST /v1/invites/accept`, by somebody who is signed in with the e-mail that was invited. */
export const acceptInviteRequest = z.strictObject({ token: z.string().min(1).max(100) });
