import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate authority that nobody trusts by default, and a certificate of its for `host`, made anew. */
export function makeAuthority(folder: string, host: string) {
  mkdirSync(folder, { recursive: true });
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", file("ca.key"), "-out", file("ca.pem"), "-days", "2", "-subj", "/CN=test authority"); // prettier-ignore
  openssl("req", ...newKey, "-keyout", file("key"), "-out", file("csr"), "-subj", `/CN=${host}`);
  writeFileSync(file("ext"), `subjectAltName=DNS:${host},DNS:localhost\n`);
  openssl("x509", "-req", "-in", file("csr"), "-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial", "-days", "2", "-extfile", file("ext"), "-out", file("cert")); // prettier-ignore
  return { authorityFile: file("ca.pem"), key: readFileSync(file("key")), cert: readFileSync(file("cert")) };
}
