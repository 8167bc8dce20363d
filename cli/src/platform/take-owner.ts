import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { postSetupOwner } from "@feedback-chat/protocol/operations";
import { clientOf } from "./api-client.ts";

export type Owner = { email: string; password: string; token: string; workspaceId: string };

/**
 * Makes the instance's first owner with the one-time code of its first start, and a CLI token for this machine.
 * The password is shown to the person once and kept nowhere.
 */
export async function takeOwner(url: string, code: string): Promise<Owner> {
  const login = { email: "owner@example.com", password: randomBytes(12).toString("base64url") };
  const body = {
    code,
    ...login,
    login: "owner",
    name: "Owner",
    wantsCliToken: true,
    machine: hostname(),
  };
  const { cliToken, workspaceId } = await clientOf(url, null).call(postSetupOwner, { body });
  if (!cliToken) throw new Error("the server made no token although it was asked for one");
  return { ...login, token: cliToken, workspaceId };
}
