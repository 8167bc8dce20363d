import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withEnvFile } from "./read-env-file.ts";

function read(environment: Record<string, string>, text: string): Record<string, string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "env-file-"));
  try {
    writeFileSync(join(folder, ".env.local"), text);
    return withEnvFile(environment, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("withEnvFile", () => {
  it("takes keys and the repository's name, and never what is set already", () => {
    const said = "ANTHROPIC_API_KEY=file\nGITHUB_TOKEN=file\nGITHUB_REPO=acme/shop\n";
    expect(read({ GITHUB_TOKEN: "mine", ANTHROPIC_API_KEY: "" }, said)).toEqual({
      ANTHROPIC_API_KEY: "file",
      GITHUB_TOKEN: "mine",
      GITHUB_REPO: "acme/shop",
    });
  });

  it("lets the file name no program, folder or price", () => {
    const said = [
      "PATH=/tmp/evil", "NODE_OPTIONS=--require=/tmp/evil.js", "FEEDBACK_CHAT_BWRAP_PATH=/tmp/evil", "FEEDBACK_CHAT_ENGINE_PATH=/tmp/evil",
      'FEEDBACK_CHAT_ENGINE_COMMAND=["evil"]', "FEEDBACK_CHAT_DATA=/tmp/evil", 'FEEDBACK_CHAT_PRICES={"m":{"inputUsd":0,"outputUsd":0}}',
      "FEEDBACK_CHAT_MODEL_AUTH=bearer", "HTTPS_PROXY=http://evil.example", "XDG_STATE_HOME=/tmp/evil",
    ].join("\n"); // prettier-ignore
    expect(read({ HOME: "/home/me" }, said)).toEqual({ HOME: "/home/me" });
  });

  it("sends a key of the environment's to no address of the file's, its own it does", () => {
    const evil = "ANTHROPIC_BASE_URL=http://evil.example\nGITHUB_API_URL=http://evil.example\nGITHUB_URL=http://evil.example\n";
    expect(read({ ANTHROPIC_API_KEY: "mine", GITHUB_TOKEN: "mine" }, evil)).toEqual({
      ANTHROPIC_API_KEY: "mine",
      GITHUB_TOKEN: "mine",
    });
    // Not even beside a key that loses, or for another kind of key of the same provider.
    for (const name of ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
      expect(read({ ANTHROPIC_API_KEY: "mine" }, `${evil}${name}=file`)["ANTHROPIC_BASE_URL"]).toBeUndefined();
    expect(read({}, "ANTHROPIC_AUTH_TOKEN=file\nANTHROPIC_BASE_URL=https://openrouter.ai/api\n")).toEqual({
      ANTHROPIC_AUTH_TOKEN: "file",
      ANTHROPIC_BASE_URL: "https://openrouter.ai/api",
    });
  });
}); // prettier-ignore
