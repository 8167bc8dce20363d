import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Github, startGithub } from "@feedback-chat/demo/github-server";
import { idOf } from "@feedback-chat/protocol/ids";
import { type ServerType, serve } from "@hono/node-server";
import { sql } from "kysely";
import { asProject } from "../../src/platform/as-tenant.ts";
import type { Kind, TestDatabase } from "./open-test-database.ts";
import { openWebhookScene, type WebhookScene, webhookSecret } from "./webhook-scene.ts";

export const repo = "acme/shop";

export type GithubScene = WebhookScene & {
  github: Github;
  repositoryId: number;
  /** The project's webhook at the local GitHub: deliveries go over HTTP. */
  hook(): void;
  /** The bot's token, stored as the project's credential. */
  setToken(): Promise<void>;
  setTokenOf(projectId: string, token: string): Promise<void>;
};

/** A local GitHub with the project's repository: `bot` may write, `maintainer` too, `helper` triages, others read. */
export async function openGithubScene(
  options: { kind?: Kind; on?: TestDatabase; figures?: object; now?: () => Date } = {},
): Promise<GithubScene> {
  const folder = await mkdtemp(join(tmpdir(), "fc-github-"));
  const { now, ...rest } = options;
  const github = await startGithub({ folder, ...(now ? { now } : {}) });
  const { id: repositoryId } = await github.createRepository({
    owner: "acme",
    name: "shop",
    files: { "README.md": "A shop.\n" },
    roles: { bot: "write", maintainer: "write", helper: "triage" },
  });
  for (const login of ["stranger", "reporter"]) github.addUser(login);
  const scene = await openWebhookScene({ ...rest, githubApiUrl: github.url, repositoryId });
  const server = serve({ fetch: scene.app.fetch, port: 0, hostname: "127.0.0.1" });
  await listening(server);
  const { port } = server.address() as AddressInfo;
  return {
    ...scene,
    github,
    repositoryId,
    hook() {
      const url = `http://127.0.0.1:${port}/api/webhook/${idOf("prj", scene.projectId)}`;
      github.addHook({ repo, url, secret: webhookSecret });
    },
    setToken: () => storeToken(scene, github.addToken({ login: "bot" })),
    setTokenOf: (projectId, token) => storeToken({ ...scene, projectId }, token),
    async [Symbol.asyncDispose]() {
      await github.close();
      await new Promise((resolve) => server.close(resolve));
      await scene[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listening(server: ServerType): Promise<void> {
  if (!server.listening) await new Promise((resolve) => server.once("listening", resolve));
}

async function storeToken({ db, deps, projectId }: WebhookScene, value: string): Promise<void> {
  const id = deps.newId();
  const type = "github_token";
  const sealed = deps.sealing.seal(value, { projectId, id, type, version: 1 });
  await asProject(db, projectId, (tx) =>
    sql`insert into fc.credentials (id, project_id, type, encrypted_value, wrapped_dek, kek_id, last4)
      values (${id}, ${projectId}, ${type}, ${sealed.encryptedValue}, ${sealed.wrappedDek}, ${sealed.kekId}, ${value.slice(-4)})`.execute(
      tx,
    ),
  );
}
