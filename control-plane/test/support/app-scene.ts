import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Github, startGithub } from "@feedback-chat/demo/github-server";
import { type Page, type Walk, walkPages } from "@feedback-chat/demo/walk-pages";
import { createProjectAnswer } from "@feedback-chat/protocol/project";
import { uuidOf } from "@feedback-chat/protocol/ids";
import { serve } from "@hono/node-server";
import type { Hono } from "hono";
import { openTestPlatform, type TestPlatform } from "./open-test-platform.ts";
import { signInOwner } from "./sign-in.ts";

export const repo = "acme/shop";
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
  const pages = walkPages({ github, serverUrl: url, cookie: owner["cookie"] ?? "" });
  const addProject = async (name: string, githubRepo = repo) => {
    const { body } = await platform.call("POST", "/v1/projects", { headers: owner, body: { name, githubRepo } });
    const { project, webhook } = createProjectAnswer.parse(body);
    return { id: project.id, projectId: uuidOf("prj", project.id), webhook, name };
  };
  const project = await addProject("Shop");
  return {
    platform, github, url, repositoryId, owner, project, addProject, walk: pages.walk,
    makeApp: () => pages.makeApp("acme"),
    connect: (of = project, login = "acme") => pages.connect(of.id, { login, repositoryId }),
    async [Symbol.asyncDispose]() {
      await github.close();
      await new Promise((done) => server.close(done));
      await platform[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  }; // prettier-ignore
}
