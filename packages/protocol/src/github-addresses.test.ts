import { expect, it } from "vitest";
import { githubAddresses } from "./github-addresses.ts";

it.each([
  [undefined, undefined, "https://github.com", "https://api.github.com"],
  ["https://github.com/", undefined, "https://github.com", "https://api.github.com"],
  ["https://git.corp.example", undefined, "https://git.corp.example", "https://git.corp.example/api/v3"],
  [undefined, "https://git.corp.example/api/v3/", "https://git.corp.example", "https://git.corp.example/api/v3"],
  ["https://acme.ghe.com", undefined, "https://acme.ghe.com", "https://api.acme.ghe.com"],
  ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:1", "http://127.0.0.1:2"],
])("completes GITHUB_URL=%s and GITHUB_API_URL=%s", (url, api, githubUrl, githubApiUrl) => {
  expect(githubAddresses({ githubUrl: url, githubApiUrl: api })).toEqual({ githubUrl, githubApiUrl });
});
