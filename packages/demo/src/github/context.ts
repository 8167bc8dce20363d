import type { Context } from "hono";
import type * as z from "zod";
import type { GithubApp } from "./apps/app-state.ts";
import { demand, type Need } from "./authorize.ts";
import { findRepository, userOf } from "./find.ts";
import type { Hub, Issue, Repository, Token, User } from "./hub.ts";
import { invalid, notFound, refusal } from "./refuse.ts";
import type { PullIssue } from "./render-pull.ts";

export type AppEnvironment = {
  Variables: {
    token: Token | null;
    /** The app whose own token this is: it opens the routes of the app alone. */
    app: GithubApp | null;
  };
};
export type AppContext = Context<AppEnvironment>;

/**
 * The repository of the path, if the caller may do this to it.
 * @throws 301 to its id for a former name, as GitHub answers after a rename; else what `demand` refuses.
 */
export function repositoryFor(hub: Hub, c: AppContext, need: Need): Repository {
  const { owner, repo } = c.req.param() as { owner?: string; repo?: string };
  const found = findRepository(hub, `${owner}/${repo}`);
  if (!found) throw notFound();
  demand(found.repository, c.get("token"), need);
  if (found.isMoved) throw movedTo(hub, c, found.repository);
  return found.repository;
}

function movedTo(hub: Hub, c: AppContext, repository: Repository) {
  const rest = c.req.path.split("/").slice(4).join("/");
  const location = `${hub.origin}/repositories/${repository.id}${rest ? `/${rest}` : ""}`;
  return refusal(c.req.method === "GET" ? 301 : 307, "Moved Permanently", {
    headers: { location },
  });
}

/** Who acts; the routes that write have demanded a token before. */
export function callerOf(hub: Hub, c: AppContext): User {
  return c.get("token")?.user ?? userOf(hub, "ghost");
}

export function issueFor(repository: Repository, c: AppContext, name = "number"): Issue {
  const issue = repository.issues.get(Number(c.req.param(name)));
  if (!issue) throw notFound();
  if (!repository.hasIssues && !issue.pull) throw refusal(410, "Issues are disabled for this repo");
  return issue;
}

export function pullFor(repository: Repository, c: AppContext): PullIssue {
  const issue = repository.issues.get(Number(c.req.param("number")));
  if (!issue?.pull) throw notFound();
  return issue as PullIssue;
}

/** @throws 400 for what is no JSON, 422 for fields that GitHub would refuse. */
export async function bodyOf<T extends z.ZodType>(c: AppContext, schema: T): Promise<z.infer<T>> {
  const text = await c.req.text();
  const parsed = schema.safeParse(text === "" ? {} : parseJson(text));
  if (parsed.success) return parsed.data;
  throw invalid(
    ...parsed.error.issues.map(({ path, code }) => ({
      resource: "Request",
      field: path.join("."),
      code,
    })),
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refusal(400, "Problems parsing JSON");
  }
}

/** One page of a list, with GitHub's `Link` header: 30 a page unless asked, 100 at most. */
export function page<T>(c: AppContext, items: T[]): T[] {
  const size = Math.min(100, Math.max(1, Number(c.req.query("per_page") ?? 30) || 30));
  const at = Math.max(1, Number(c.req.query("page") ?? 1) || 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const links = [
    ...(at > 1 ? [link(c, at - 1, "prev"), link(c, 1, "first")] : []),
    ...(at < last ? [link(c, at + 1, "next"), link(c, last, "last")] : []),
  ];
  if (links.length > 0) c.header("link", links.join(", "));
  return items.slice((at - 1) * size, at * size);
}

function link(c: AppContext, number: number, rel: string): string {
  const url = new URL(c.req.url);
  url.searchParams.set("page", String(number));
  return `<${url.href}>; rel="${rel}"`;
}
