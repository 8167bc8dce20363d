import { globSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import type { Options } from "tsup";

type Plugin = NonNullable<Options["esbuildPlugins"]>[number];

/**
 * A library is built file by file: `dist` has the shape of `src`, stack traces name the file, and a path that is taken
 * from `import.meta.url` stays right. Declarations come from tsc (tsup's own need TypeScript's old API).
 */
export function library(folder: string): Options {
  return {
    entry: globSync("src/**/*.ts", { cwd: folder }).filter((file) => !file.endsWith(".test.ts")),
    format: "esm",
    target: "node22",
    bundle: false,
    clean: true,
    dts: false,
    esbuildPlugins: [
      {
        name: "ts-to-js",
        setup: (build) => build.onLoad({ filter: /[/]src[/].*[.]ts$/ }, loadAs(tsToJs)),
      },
    ],
  };
}

/**
 * For a program that is bundled into one file of `dist`: each file goes on believing that it lies in `src`, so that what
 * it finds beside the package (migrations, the dashboard, package.json) is found in the tarball too.
 */
export function keepSourcePlaces(folder: string): Plugin {
  const place = (text: string, path: string) => {
    const there = JSON.stringify(`../${relative(folder, path)}`);
    return text.replaceAll("import.meta.url", `new URL(${there}, import.meta.url).href`);
  };
  return {
    name: "keep-source-places",
    setup: (build) => build.onLoad({ filter: new RegExp(`^${folder}/src/.*[.]ts$`) }, loadAs(place)),
  };
}

/** esbuild leaves specifiers alone when it does not bundle; ours carry `.ts`. */
export function tsToJs(text: string): string {
  const specifier = /(\bfrom\s*|\bimport\s*\(?\s*|\bnew URL\(\s*)"([.]{1,2}[/][^"]+)[.]ts"/g;
  return text.replaceAll(specifier, '$1"$2.js"');
}

function loadAs(change: (text: string, path: string) => string) {
  return ({ path }: { path: string }) => ({
    contents: change(readFileSync(path, "utf8"), path),
    loader: "ts" as const,
  });
}
