import { spawn } from "node:child_process";
import { basename, dirname } from "node:path";
import { Readable } from "node:stream";
import { canSee, grants, hasRole } from "./authorize.ts";
import { findRepository, fullNameOf, userOf } from "./find.ts";
import type { Hub, Repository, Token } from "./hub.ts";
import { gitEnvironment } from "./run-git.ts";
import { syncRefs } from "./sync-refs.ts";

const service = /^\/([^/]+)\/([^/]+?)(?:\.git)?\/(info\/refs|git-upload-pack|git-receive-pack)$/;

export function isGitPath(pathname: string): boolean {
  return service.test(pathname);
}

/** Smart HTTP over the real bare repository, by git's own `http-backend`; GitHub's refusals come before it. */
export async function serveGit(hub: Hub, request: Request, token: Token | null): Promise<Response> {
  const url = new URL(request.url);
  const [, owner = "", name = "", what = ""] = service.exec(url.pathname) ?? [];
  const isPush = what === "git-receive-pack" || url.searchParams.get("service") === "git-receive-pack";
  const found = findRepository(hub, `${owner}/${name}`);
  const refused = refuse(found?.repository, token, isPush);
  if (refused) return refused;
  const { repository, isMoved } = found!;
  if (isMoved) {
    const location = `${hub.origin}/${fullNameOf(repository)}.git/${what}${url.search}`;
    return new Response(null, { status: 301, headers: { location } });
  }
  const input = Buffer.from(await request.arrayBuffer());
  const answer = await runBackend(hub, repository, {
    request,
    what,
    query: url.search.slice(1),
    input,
    token,
  });
  if (what !== "git-receive-pack") return answer.response;
  // Whoever reads GitHub after the push's answer sees what followed from it.
  const whole = await answer.response.arrayBuffer();
  await syncRefs(hub, repository, token?.user ?? userOf(hub, "ghost"));
  return new Response(whole, answer.response);
}

function refuse(repository: Repository | undefined, token: Token | null, isPush: boolean): Response | null {
  const needsLogin = !token && (!repository || repository.isPrivate || isPush);
  // GitHub asks everybody for a password before it says that something does not exist.
  if (needsLogin) return text(401, "Authentication required.", { "www-authenticate": 'Basic realm="GitHub"' });
  if (!repository || !canSee(repository, token)) return text(404, "Repository not found.");
  const name = fullNameOf(repository);
  if (!isPush) {
    const mayRead = !repository.isPrivate || grants(token!, repository, { permission: "contents", level: "read" });
    return mayRead ? null : text(403, `Write access to repository not granted.`);
  }
  if (repository.isArchived) return text(403, `This repository was archived so it is read-only.`);
  const mayWrite = grants(token!, repository, { permission: "contents", level: "write" });
  const hasRights = token!.kind === "installation" || hasRole(repository, token!.user.login, "write");
  return mayWrite && hasRights ? null : text(403, `Permission to ${name}.git denied to ${token!.user.login}.`);
}

type Call = { request: Request; what: string; query: string; input: Buffer; token: Token | null };

async function runBackend(hub: Hub, repository: Repository, call: Call): Promise<{ response: Response }> {
  const child = spawn("git", ["http-backend"], {
    env: backendEnvironment(hub, repository, call),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const { promise: ended, reject } = Promise.withResolvers<never>();
  child.once("error", reject);
  // A client that goes away in mid-answer breaks these pipes; the exit of the backend tells the rest.
  child.stdin.on("error", () => child.stdin.destroy());
  child.stderr.resume();
  child.stdin.end(call.input);
  const { head, rest } = await Promise.race([readHead(child.stdout), ended]);
  // On a used connection curl repeats a request by itself when the answer is lost, and hides what a test plants.
  const headers = new Headers([...head.filter(([name]) => name.toLowerCase() !== "status"), ["connection", "close"]]);
  const status = Number(head.find(([name]) => name.toLowerCase() === "status")?.[1]?.slice(0, 3) ?? 200);
  return {
    response: new Response(Readable.toWeb(rest) as ReadableStream<Uint8Array>, { status, headers }),
  };
}

function backendEnvironment(
  hub: Hub,
  repository: Repository,
  { request, what, query, input, token }: Call,
): Record<string, string> {
  const header = (name: string) => request.headers.get(name) ?? "";
  const mayChangeWorkflows = token !== null && grants(token, repository, { permission: "workflows", level: "write" });
  const kind = token?.kind === "installation" ? "a GitHub App" : "a Personal Access Token";
  return {
    ...gitEnvironment(hub),
    GIT_PROJECT_ROOT: dirname(repository.gitDir),
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: `/${basename(repository.gitDir)}/${what}`,
    REQUEST_METHOD: request.method,
    QUERY_STRING: query,
    CONTENT_TYPE: header("content-type"),
    CONTENT_LENGTH: String(input.length),
    HTTP_CONTENT_ENCODING: header("content-encoding"),
    GIT_PROTOCOL: header("git-protocol"),
    REMOTE_ADDR: "127.0.0.1",
    ...(token ? { REMOTE_USER: token.user.login } : {}),
    DEMO_PROTECTED_REFS: [...repository.protectedBranches].map((name) => `refs/heads/${name}`).join(" "),
    ...(mayChangeWorkflows ? {} : { DEMO_NO_WORKFLOWS: kind }),
  };
}

/** Reads the CGI header, and gives the stream with what follows it. */
async function readHead(stream: Readable): Promise<{ head: [string, string][]; rest: Readable }> {
  let seen = Buffer.alloc(0);
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
    seen = Buffer.concat([seen, next.value]);
    const end = seen.indexOf("\r\n\r\n");
    if (end < 0) continue;
    const lines = seen.subarray(0, end).toString("latin1").split("\r\n");
    const head = lines.map((line): [string, string] => [
      line.slice(0, line.indexOf(":")),
      line.slice(line.indexOf(":") + 1).trim(),
    ]);
    const body = seen.subarray(end + 4);
    return { head, rest: Readable.from(restOf(body, chunks)) };
  }
  throw new Error("git http-backend ended without an answer.");
}

async function* restOf(first: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}

function text(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(`${body}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  });
}
