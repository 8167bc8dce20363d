import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import type { Context } from "hono";

type File = { bytes: Uint8Array<ArrayBuffer>; type: string; etag: string; isImmutable: boolean };

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml", ".png": "image/png", ".json": "application/json", ".txt": "text/plain; charset=utf-8",
}; // prettier-ignore

/**
 * The files of a built single-page app, read once into memory: no path of a request ever reaches the disk. Every
 * address that names no file is the app's own and gets its `index.html`.
 */
export function serveFiles(folder: string): (c: Context) => Response {
  const files = readAll(folder);
  return (c) => {
    const file = files.get(c.req.path) ?? files.get("/index.html");
    if (!file) return c.text("The dashboard is not built here. Run `npm run build` once.\n", 503);
    const headers = {
      "content-type": file.type,
      etag: file.etag,
      "cache-control": file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
    };
    if (c.req.header("if-none-match") === file.etag) return new Response(null, { status: 304, headers });
    return new Response(c.req.method === "HEAD" ? null : file.bytes, { headers });
  };
}

function readAll(folder: string): Map<string, File> {
  const files = new Map<string, File>();
  for (const entry of listed(folder)) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = new Uint8Array(readFileSync(path));
    const name = `/${relative(folder, path).split(sep).join("/")}`;
    files.set(name, {
      bytes,
      type: types[extname(name)] ?? "application/octet-stream",
      etag: `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`,
      // The build puts a hash into these names.
      isImmutable: name.startsWith("/assets/"),
    });
  }
  return files;
}

/** A checkout that was not built has no such folder: the server works without its pages. */
function listed(folder: string) {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
