import { describe, expect, it } from "vitest";
import { gitEnvironment, gitNetworkFor } from "./git-environment.ts";
import { withoutSecrets } from "./git-error.ts";

function configOf(env: Record<string, string>): Record<string, string | undefined> {
  const count = Number(env["GIT_CONFIG_COUNT"]);
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [env[`GIT_CONFIG_KEY_${index}`], env[`GIT_CONFIG_VALUE_${index}`]]),
  );
}

describe("gitEnvironment", () => {
  it("reads no configuration but ours and no home", () => {
    const env = gitEnvironment(["https"], null);
    expect(env).toMatchObject({
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      HOME: "/nonexistent",
      GIT_TERMINAL_PROMPT: "0",
      GIT_NO_REPLACE_OBJECTS: "1",
    });
    expect(configOf(env)).toMatchObject({
      "core.hooksPath": "/dev/null",
      "credential.helper": "",
      "core.fsmonitor": "false",
      "safe.bareRepository": "explicit",
    });
  });

  it("allows the named protocols and no other", () => {
    const env = gitEnvironment(["https"], null);
    expect(env["GIT_ALLOW_PROTOCOL"]).toBe("https");
    expect(configOf(env)).toMatchObject({
      "protocol.allow": "never",
      "protocol.https.allow": "always",
    });
    expect(configOf(env)).not.toHaveProperty(["protocol.file.allow"]);
  });

  it("gives the proxy and the authorities of the machine, and shows no proxy's password", () => {
    const httpProxies = { httpProxy: "", httpsProxy: "http://ada:p%40ss@proxy:1", noProxy: "" };
    const facts = { httpProxies, gitCertificatesFile: "/own.pem", ownCertificatesFile: null };
    const network = gitNetworkFor("https://github.com/o/n.git", facts);
    const env = gitEnvironment(["https"], null, network);
    expect(configOf(env)["http.proxy"]).toBe("http://ada:p%40ss@proxy:1");
    expect(env["GIT_SSL_CAINFO"]).toBe("/own.pem");
    expect(withoutSecrets("no to ada:p%40ss and p@ss", null, network)).toBe("no to [secret] and [secret]");
    expect(gitNetworkFor("https://localhost:1/o/n.git", facts).proxy).toBeNull();
  });

  it("gives a token to its own origin only", () => {
    const env = gitEnvironment(["https"], { origin: "https://github.com", value: "secret-token" });
    const basic = Buffer.from("x-access-token:secret-token").toString("base64");
    expect(configOf(env)["http.https://github.com.extraHeader"]).toBe(`Authorization: Basic ${basic}`);
    expect(Object.values(configOf(env)).filter((value) => value?.includes("Authorization"))).toHaveLength(1);
  });
});
