import { createHash } from "node:crypto";
import { Problem } from "@feedback-chat/protocol/problem";
import type { Caller } from "../platform/caller.ts";

/** Who sits before the browser, and in which session: a state of GitHub's pages is bound to both. */
export type BrowserSession = { userId: string; sessionHash: Buffer };

const cookie = /(?:^|;\s*)(?:__Host-)?feedback-chat\.session_token=([^;]+)/;

/** @throws Problem forbidden for a key or a CLI token: what GitHub's pages bring back belongs to a browser. */
export function browserSession(caller: Caller, cookies: string | undefined): BrowserSession {
  const [, value] = cookie.exec(cookies ?? "") ?? [];
  if (caller.kind !== "user" || !value)
    throw new Problem("forbidden", "This address is for a browser that is logged in.", {
      next: "Open it in the browser in which you are logged in.",
    });
  return { userId: caller.userId, sessionHash: createHash("sha256").update(value).digest() };
}
