import { describe, expect, it } from "vitest";
import { accessFailure, connectTrouble, remoteTrouble } from "./remote-trouble.ts";

describe("remoteTrouble", () => {
  it.each([
    ["fatal: Authentication failed for 'https://github.com/o/n.git/'", "access"],
    ["remote: Repository not found.\nfatal: repository 'https://github.com/o/n.git/' not found", "access"],
    ["error: The requested URL returned error: 403", "access"],
    ["error: RPC failed; HTTP 429 curl 22 The requested URL returned error: 429", "rate"],
    ["error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502", "unavailable"],
    ["fatal: unable to access 'https://github.com/': Could not resolve host: github.com", "unavailable"],
    ["fatal: the remote end hung up unexpectedly", "unavailable"],
    ["fatal: couldn't find remote ref refs/heads/gone", "no_ref"],
    ["fatal: remote error: upload-pack: not our ref 1234", "no_ref"],
    ["fatal: unable to access 'https://github.com/': CONNECT tunnel failed, response 407", "unavailable"],
    ["fatal: unable to access 'https://github.com/': Received HTTP code 503 from proxy after CONNECT", "unavailable"],
    ["fatal: unable to access 'https://ghe/': server certificate verification failed. CAfile: none", "unavailable"],
    ["error: inflate: data stream error", "other"],
  ])("reads %j as %s", (stderr, trouble) => {
    expect(remoteTrouble({ stderr, isTimedOut: false })).toBe(trouble);
  });

  it.each([
    ["CONNECT tunnel failed, response 407", "HTTPS_PROXY"],
    ["Could not resolve proxy: proxy.example", "HTTPS_PROXY"],
    ["SSL certificate problem: unable to get local issuer certificate", "GIT_SSL_CAINFO"],
  ])("names the variable that helps where git says %j", (stderr, variable) => {
    expect(connectTrouble(stderr)?.next).toContain(variable);
  });

  it.each([
    [
      "remote: Write access to repository not granted.\nfatal: unable to access 'x': The requested URL returned error: 403",
      /"contents: write"/,
    ],
    ["fatal: Authentication failed for 'https://github.com/o/n.git/'", /Renew the token/],
    ["remote: Repository not found.\nfatal: repository 'x' not found", /Check the name/],
    [
      "remote: The `acme' organization has enabled or enforced SAML SSO.\nfatal: unable to access 'x': The requested URL returned error: 403",
      /Authorize the token/,
    ],
  ])("names what helps where git says %j, and a permission only where it is missing", (stderr, next) => {
    const failure = accessFailure("write", stderr);
    expect(failure.next).toMatch(next);
    expect(failure.next.includes("contents:")).toBe(stderr.includes("not granted"));
  });

  it("takes a command that ran out of time for an unreachable far end", () => {
    expect(remoteTrouble({ stderr: "", isTimedOut: true })).toBe("unavailable");
  });
});
