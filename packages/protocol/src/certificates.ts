import { Problem } from "./problem.ts";

/** Variables that name a PEM file with authorities of one's own. Each counts for everything of ours on this machine. */
export const certificateVariables = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "GIT_SSL_CAINFO"] as const;

/** `node:tls` and a way to read a file: this package imports nothing of Node. */
export type TrustDeps = {
  tls: {
    getCACertificates(type: "default"): string[];
    setDefaultCACertificates(certificates: readonly string[]): void;
  };
  readFile(path: string): string;
};

/**
 * Makes this process trust the user's own authorities besides Node's. Node itself reads NODE_EXTRA_CA_CERTS only, and
 * goes on with a warning where the file is missing.
 * @returns the authorities that were added, as PEM.
 * @throws Problem validation_failed, naming the variable and the file
 */
export function trustCertificates(
  { tls, readFile }: TrustDeps,
  environment: Record<string, string | undefined>,
): string[] {
  const named = certificateVariables.flatMap((name) => {
    const path = environment[name];
    return path ? [{ name, path }] : [];
  });
  const added = [...new Set(named.flatMap((one) => certificatesIn(one, readFile)))];
  if (added.length === 0) return [];
  try {
    tls.setDefaultCACertificates([...new Set([...tls.getCACertificates("default"), ...added])]);
  } catch (error) {
    throw wrong(
      named.map(({ name, path }) => `${name} (${path})`).join(", "),
      "holds a certificate that is broken",
      error,
    );
  }
  return added;
}

type Named = { name: string; path: string };

function certificatesIn({ name, path }: Named, readFile: TrustDeps["readFile"]): string[] {
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw wrong(`${name} (${path})`, `cannot be read: ${code}`, error);
  }
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
  if (!found) throw wrong(`${name} (${path})`, "holds no certificate in PEM form");
  return found.map((one) => `${one}\n`);
}

function wrong(what: string, why: string, cause?: unknown): Problem {
  return new Problem("validation_failed", `The file of ${what} ${why}.`, {
    next: "Name a readable PEM file with the certificate of your authority, or unset the variable.",
    ...(cause === undefined ? {} : { cause }),
  });
}
