import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Github, startGithub } from "@feedback-chat/demo/github-server";
import { createProjectAnswer } from "@feedback-chat/protocol/project";
import { uuidOf } from "@feedback-chat/protocol/ids";
import { serve } from "@hono/node-server";
import type { Hono } from "hono";
import { openTestPlatform, type TestPlatform } from "./open-test-platform.ts";
import { signInOwner } from "./sign-in.ts";

export const repo = "acme/shop";
export type Page = { status: number; text: string; url: string; headers: Headers };
type Walk = { url: string; login: string; cookie?: string; form?: Record<string, string> };
type Project = { id: string; projectId: string; webhook: { url: string; secret: string }; name: string };

export type AppScene = AsyncDisposable & {
  platform: TestPlatform;
  github: Github;
  url: string;
  repositoryId: number;
  /** The owner's browser at our server. */
  owner: Record<string, string>;
  project: Project;
  addProject(name: string, githubRepo?: string): Promise<Project>;
  /** Goes to an address as a browser, through every redirect; `login` is who is signed in at GitHub. */
  walk(walk: Walk): Promise<Page>;
  /** Makes the instance's App by its page. */
  makeApp(): Promise<Page>;
  /** The project's page, its one link, GitHub's page and the way back. */
  connect(project?: Project, login?: string): Promise<Page>;
  /** The installation of the App on the shop. */
  installationId(): number;
};

/** The whole app on a real port beside a local GitHub, with its owner logged in and a project without any access. */
export async function openAppScene(): Promise<AppScene> {
  const folder = await mkdtemp(join(tmpdir(), "fc-app-"));
  const github = await startGithub({ folder });
  const { id: repositoryId } = await github.createRepository({
    owner: "acme", name: "shop", isPrivate: true, files: { "README.md": "A shop.\n" },
    roles: { dev: "write", reader: "read", maintainer: "write", bot: "write" },
  }); // prettier-ignore
  github.addUser("stranger");
  const { promise: app, resolve } = Promise.withResolvers<Hono>();
  const listening = Promise.withResolvers<void>();
  const server = serve({ fetch: async (request) => (await app).fetch(request), port: 0, hostname: "127.0.0.1" }, () =>
    listening.resolve(),
  );
  await listening.promise;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const platform = await openTestPlatform({
    publicUrl: url,
    env: { GITHUB_API_URL: github.url, GITHUB_URL: github.url },
  });
  resolve(platform.app);
  const owner = await signInOwner(platform, { origin: url });
  const walk = walker(url, github, owner["cookie"] ?? "");
  const addProject = async (name: string, githubRepo = repo) => {
    const { body } = await platform.call("POST", "/v1/projects", { headers: owner, body: { name, githubRepo } });
    const { project, webhook } = createProjectAnswer.parse(body);
    return { id: project.id, projectId: uuidOf("prj", project.id), webhook, name };
  };
  const project = await addProject("Shop");
  return {
    platform, github, url, repositoryId, owner, project, addProject, walk,
    makeApp: async () => {
      const page = await walk({ url: `${url}/api/github/manifest`, login: "acme" });
      const [, action = "", manifest = ""] = /action="([^"]+)"[\s\S]*name="manifest" value="([^"]+)"/.exec(page.text) ?? [];
      return walk({ url: unescaped(action), login: "acme", form: { manifest: unescaped(manifest) } });
    },
    async connect(of = project, login = "acme") {
      const page = await walk({ url: `${url}/api/github/connect/${of.id}`, login });
      const to = unescaped(/<a href="([^"]+)">Connect /.exec(page.text)?.[1] ?? "");
      if (!to.includes("/installations/new")) return to === "" ? page : walk({ url: to, login });
      const state = new URL(to).searchParams.get("state") ?? "";
      const form = { "repository_ids[]": String(repositoryId), state };
      return walk({ url: to.replace(/\/new\?.*$/, ""), login, form });
    },
    installationId() {
      const minted = github.requests.findLast(({ path }) => path.endsWith("/access_tokens"))?.path ?? "";
      return Number(/installations\/(\d+)\//.exec(minted)?.[1]);
    },
    async [Symbol.asyncDispose]() {
      await github.close();
      await new Promise((done) => server.close(done));
      await platform[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  }; // prettier-ignore
}

function walker(ourUrl: string, github: Github, ourCookie: string): AppScene["walk"] {
  return async ({ url, login, cookie = ourCookie, form }) => {
    let at = url;
    let posted = form;
    for (let hops = 0; hops < 10; hops += 1) {
      const headers = at.startsWith(ourUrl) ? { cookie } : github.browserOf(login);
      const response = await fetch(at, {
        headers: { ...headers, ...(posted ? { "content-type": "application/x-www-form-urlencoded" } : {}) },
        redirect: "manual",
        ...(posted ? { method: "POST", body: new URLSearchParams(posted).toString() } : {}),
      });
      const next = response.headers.get("location");
      if (response.status !== 302 || !next)
        return { status: response.status, text: await response.text(), url: at, headers: response.headers };
      at = new URL(next, at).href;
      posted = undefined;
    }
    throw new Error(`No end of redirects from ${url}.`);
  };
}

function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
