import { expect, it } from "vitest";
import { parseRunConfig, parseWorkerConfig } from "./config.ts";

it.each([
  [undefined, "https://api.anthropic.com"],
  ["https://gateway.example", "https://gateway.example"],
  ["https://gateway.example/", "https://gateway.example"],
  ["https://gateway.example/v1", "https://gateway.example"],
  ["https://gateway.example/anthropic/v1/", "https://gateway.example/anthropic"],
  ["https://gateway.example/anthropic/v12", "https://gateway.example/anthropic/v12"],
])("reads the model's address %s as %s", (written, modelUrl) => {
  expect(parseRunConfig({ ANTHROPIC_BASE_URL: written })).toMatchObject({ modelUrl });
});

it("completes the addresses of a GitHub Enterprise from one of them", () => {
  expect(parseRunConfig({ GITHUB_URL: "https://github.corp.example/" })).toMatchObject({
    githubUrl: "https://github.corp.example",
    githubApiUrl: "https://github.corp.example/api/v3",
  });
});

it("refuses a control plane's address with a path", () => {
  const settings = { FEEDBACK_CHAT_URL: "https://example.com/feedback", FEEDBACK_CHAT_WORKER_KEY: "fcw_x" };
  expect(() => parseWorkerConfig(settings)).toThrow("FEEDBACK_CHAT_URL has a path: /feedback.");
});

it.each(["\r", "\n", "\r\n", " "])("takes a key without the %j that a file or a pipe puts behind it", (end) => {
  const { localCredentials } = parseRunConfig({ ANTHROPIC_API_KEY: `sk-ant-1${end}`, GITHUB_TOKEN: `ghp_1${end}` });
  expect(localCredentials).toMatchObject({ model: { value: "sk-ant-1" }, publish: { value: "ghp_1" } });
});

it.each(["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN", "GITHUB_TOKEN"])(
  "refuses a quotation mark in %s at start, and shows no key",
  (name) => {
    const parse = () => parseRunConfig({ [name]: "sk-ant-hunter2\u201d" });
    expect(parse).toThrow(new RegExp(`${name}: contains a character that no key has \\(U\\+201D\\)`));
    expect(parse).not.toThrow("hunter2");
  },
);
