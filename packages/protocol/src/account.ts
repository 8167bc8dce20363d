import * as z from "zod";
import { idSchema } from "./ids.ts";

export const memberRoles = ["owner", "admin", "member", "viewer"] as const;

const email = z.email().max(254).toLowerCase();
const password = z.string().min(10, "needs at least 10 characters").max(128);
/** How a person is named in events and pull requests. */
const login = z
  .string()
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,37}[A-Za-z0-9])?$/, "is letters, digits and hyphens, at most 39");
/** Where a CLI token is kept, so that its owner recognises it in a list. */
const machine = z.string().trim().min(1).max(100);

/** `POST /api/setup/owner`: turns the one-time code of the first start into the owner. */
export const setupOwnerRequest = z.strictObject({
  code: z.string().max(100),
  email,
  password,
  login: login.optional(),
  name: z.string().trim().max(100).default(""),
  /** A CLI token for this machine in the same answer: what `up` and the demo ask for. */
  wantsCliToken: z.boolean().default(false),
  machine: machine.default("unnamed"),
});
export const setupOwnerAnswer = z.object({
  userId: idSchema("usr"),
  workspaceId: idSchema("ws"),
  login: z.string(),
  cliToken: z.string().nullable(),
});
export type SetupOwnerAnswer = z.infer<typeof setupOwnerAnswer>;

/** `POST /api/auth/change-password`, by a session. */
export const changePasswordRequest = z.strictObject({
  currentPassword: z.string().min(1).max(128),
  newPassword: password,
  /** Ends every other session of the account. */
  revokeOtherSessions: z.boolean().default(false),
});

/** `GET /api/setup`: whether the one-time code is still to be used. */
export const setupState = z.object({ needsOwner: z.boolean() });

/** Where a link goes: `operator_log` on an instance that sends no mail. */
export const linkWentTo = z.enum(["mail", "operator_log"]);

/** `GET /api/auth/ways`: what the login page offers beside the password. */
export const signInWays = z.object({ hasGithub: z.boolean(), linkWentTo });
export type SignInWays = z.infer<typeof signInWays>;

/** `POST /v1/workspaces/:id/members`: a person who has no account here yet. */
export const createMemberRequest = z.strictObject({
  email,
  login,
  name: z.string().trim().max(100).default(""),
  role: z.enum(memberRoles),
  /** Without one the person can use a CLI token only. */
  password: password.optional(),
  wantsCliToken: z.boolean().default(false),
  machine: machine.default("unnamed"),
});
export const createMemberAnswer = z.object({
  userId: idSchema("usr"),
  login: z.string(),
  role: z.enum(memberRoles),
  cliToken: z.string().nullable(),
});
export type CreateMemberAnswer = z.infer<typeof createMemberAnswer>;

export const createCliTokenRequest = z.strictObject({ machine });

export const workspacePage = z.object({
  items: z.array(z.object({ id: idSchema("ws"), name: z.string(), role: z.enum(memberRoles) })),
  nextCursor: z.string().nullable(),
});
