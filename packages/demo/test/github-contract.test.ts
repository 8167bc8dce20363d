import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmulator } from "emulate";
import { startGithub } from "../src/github-server.ts";
import { githubContract } from "./contracts/github-contract.ts";

githubContract("our local GitHub", async () => {
  const folder = await mkdtemp(join(tmpdir(), "github-contract-"));
  const github = await startGithub({ folder });
  await github.createRepository({
    owner: "acme",
    name: "shop",
    files: { "README.md": "# Shop\n" },
  });
  return {
    url: github.url,
    token: github.addToken({ login: "acme" }),
    makeBranch: async (branch) =>
      void (await github.pushFiles({
        repo: "acme/shop",
        branch,
        files: { [`${branch}.txt`]: "1\n" },
      })),
    async [Symbol.asyncDispose]() {
      await github.close();
      await rm(folder, { recursive: true });
    },
  };
});

// A second, independent stand-in: where ours is wrong in the same way as our expectations, it disagrees.
const known = [
  "accepts a missing head",
  "accepts a second pull request",
  "accepts nothing between",
  "drafts by PATCH",
  "ignores closing words",
  "lists no files",
  "accepts any token",
  "has no issue behind a pull request",
] as const;
githubContract(
  "emulate 0.12.2",
  async () => {
    const token = "tok_acme";
    const seed = {
      tokens: { [token]: { login: "acme", scopes: ["repo"] } },
      github: {
        users: [{ login: "acme" }],
        repos: [{ owner: "acme", name: "shop", auto_init: true }],
      },
    };
    const emulator = await createEmulator({ service: "github", port: 0, seed });
    const call = (method: string, path: string, body?: unknown) =>
      fetch(emulator.url + path, {
        method,
        headers: { authorization: `token ${token}` },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    return {
      url: emulator.url,
      token,
      async makeBranch(branch) {
        const { object } = (await (await call("GET", "/repos/acme/shop/git/ref/heads/main")).json()) as {
          object: { sha: string };
        };
        await call("POST", "/repos/acme/shop/git/refs", {
          ref: `refs/heads/${branch}`,
          sha: object.sha,
        });
        await call("PUT", `/repos/acme/shop/contents/${branch}.txt`, {
          message: "m",
          content: "MQo=",
          branch,
        });
      },
      [Symbol.asyncDispose]: () => emulator.close(),
    };
  },
  [...known],
);
