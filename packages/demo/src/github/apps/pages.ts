import type { Context } from "hono";
import { getCookie } from "hono/cookie";
import type { Hub, User } from "../hub.ts";

/** Who is signed in at the stand-in, for its pages: a browser says it by this cookie. */
const cookieName = "user_session";

export function loginOf(c: Context): string | undefined {
  return getCookie(c, cookieName);
}

export function personFor(hub: Hub, login: string | undefined): User | undefined {
  return login === undefined ? undefined : hub.users.get(login.toLowerCase());
}

export function cookieFor(login: string): string {
  return `${cookieName}=${login}; Path=/; HttpOnly; SameSite=Lax`;
}

export function page(c: Context, status: 200 | 401 | 404 | 422, body: string, form = ""): Response {
  const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Local GitHub</title><main><p>${escaped(body)}</p>${form}</main></html>`;
  return c.html(html, status);
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
