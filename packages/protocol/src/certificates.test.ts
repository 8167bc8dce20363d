import { expect, it } from "vitest";
import { trustCertificates } from "./certificates.ts";

const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;

function trust(environment: Record<string, string>, files: Record<string, string>) {
  const trusted: string[] = [];
  const tls = {
    getCACertificates: () => [pem("node")],
    setDefaultCACertificates: (all: readonly string[]) => void trusted.push(...all),
  };
  const readFile = (path: string) => files[path] ?? notThere();
  return { added: trustCertificates({ tls, readFile }, environment), trusted };
}

function notThere(): never {
  throw Object.assign(new Error("not there"), { code: "ENOENT" });
}

it.each(["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "GIT_SSL_CAINFO"])(
  "trusts the file of %s besides Node's own",
  (name) => {
    const { added, trusted } = trust({ [name]: "/own.pem" }, { "/own.pem": `text before\n${pem("own")}` });
    expect(added).toEqual([pem("own")]);
    expect(trusted).toEqual([pem("node"), pem("own")]);
  },
);

it("adds a certificate once that two files hold", () => {
  const files = { "/a": pem("own"), "/b": pem("own") + pem("other") };
  expect(trust({ SSL_CERT_FILE: "/a", GIT_SSL_CAINFO: "/b" }, files).added).toEqual([pem("own"), pem("other")]);
});

it("leaves Node's list alone where nothing is named", () => {
  expect(trust({ SSL_CERT_FILE: "" }, {}).trusted).toEqual([]);
});

it.each([
  ["/missing.pem", "The file of SSL_CERT_FILE (/missing.pem) cannot be read: ENOENT."],
  ["/empty.pem", "The file of SSL_CERT_FILE (/empty.pem) holds no certificate in PEM form."],
])("refuses %s with the variable and the cause", (path, sentence) => {
  expect(() => trust({ SSL_CERT_FILE: path }, { "/empty.pem": "\n" })).toThrow(sentence);
});
