import { createHash } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import tls from "node:tls";
import { installOnce } from "./install-once.ts";

export type CertificateFiles = { own: string | null; everything: string | null };

/**
 * Writes the user's own authorities to files that other programs can be given: alone, and together with all that the
 * system and Node trust, for programs whose list a file replaces. Nothing is written where there are none.
 */
export async function keepCertificates(own: string[], dataFolder: string): Promise<CertificateFiles> {
  if (own.length === 0) return { own: null, everything: null };
  const everything = [...new Set([...own, ...tls.getCACertificates("system"), ...tls.getCACertificates("bundled")])];
  const texts = { "own.pem": textOf(own), "everything.pem": textOf(everything) };
  // Named by the content, so that a process with other settings keeps its own.
  const name = createHash("sha256").update(texts["everything.pem"]).digest("hex").slice(0, 16);
  const parent = join(dataFolder, "certificates");
  await mkdir(parent, { recursive: true });
  await chmod(parent, 0o755); // sandboxes' users read them too, whatever the umask
  const folder = await installOnce(join(parent, name), async (draft) => {
    for (const [file, text] of Object.entries(texts)) await writeFile(join(draft, file), text);
  });
  return { own: join(folder, "own.pem"), everything: join(folder, "everything.pem") };
}

function textOf(certificates: string[]): string {
  return certificates.map((one) => `${one.trimEnd()}\n`).join("");
}
