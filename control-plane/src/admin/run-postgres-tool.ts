import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { rootCertificates } from "node:tls";
import { Problem } from "@feedback-chat/protocol/problem";
import { driversOwn } from "../platform/driver-address.ts";

/** The variables that the tool starts with: PATH, and what libpq reads. */
export type ToolDeps = { environment: Record<string, string | undefined> };
type Input = { tool: "pg_dump" | "pg_restore"; args: string[]; databaseUrl?: string };

/**
 * Runs one of Postgres' own programs and gives what it wrote on stdout. The password goes by the environment: arguments
 * can be read by everybody on the machine. Our policies show the rows to whoever says that it is the instance itself.
 * @throws Problem package_missing, run_failed with the tool's own words
 */
export async function runPostgresTool({ environment }: ToolDeps, { tool, args, databaseUrl }: Input): Promise<string> {
  const { url, password, wantsPublicRoots } = forLibpq(databaseUrl);
  const roots = wantsPublicRoots && !environment["PGSSLROOTCERT"] ? writeRoots() : null;
  const child = spawn(tool, [...args, ...(url ? ["--dbname", url] : [])], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...environment,
      PGOPTIONS: "-c fc.system=on",
      ...(password ? { PGPASSWORD: password } : {}),
      ...(roots ? { PGSSLROOTCERT: roots } : {}),
    },
  });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const [code] = (await once(child, "close")
    .catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      throw new Problem("package_missing", `${tool} is not installed here.`, {
        next: "Install PostgreSQL's client programs, at least of the server's version (Debian: postgresql-client).",
        cause: error,
      });
    })
    .finally(() => roots && rmSync(dirname(roots), { recursive: true }))) as [number | null];
  if (code !== 0)
    throw new Problem("run_failed", `${tool} ended with ${code}: ${stderr().trim().slice(0, 1_000)}`, {
      next: "Read what it says. It has to be at least as new as the database's server.",
    });
  return stdout();
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return () => text;
}

/** libpq knows no `no-verify`, which means its own `require`, and refuses parameters that it does not know. */
function forLibpq(databaseUrl: string | undefined) {
  if (databaseUrl === undefined) return { wantsPublicRoots: false };
  const url = new URL(databaseUrl);
  const password = decodeURIComponent(url.password);
  url.password = "";
  const { searchParams: asked } = url;
  const mode = asked.get("sslmode");
  if (mode === "no-verify") asked.set("sslmode", "require");
  asked.delete(driversOwn);
  const wantsPublicRoots = mode?.startsWith("verify-") === true && !asked.has("sslrootcert");
  return { url: url.href, password, wantsPublicRoots };
}

/** libpq knows no public authorities by itself. Gone with the folder that it lies in. */
function writeRoots(): string {
  const file = join(mkdtempSync(join(tmpdir(), "fc-roots-")), "roots.pem");
  writeFileSync(file, rootCertificates.join("\n"));
  return file;
}
