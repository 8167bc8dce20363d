import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Manifest, Recipe, Step } from "./recipe.ts";

const run = promisify(execFile);

/**
 * Makes a project in the empty `folder` as its generator does it, plants the bug and the red test, and writes the
 * lockfile. Its name is `shop`. Nothing is installed, so that only the pipeline does that.
 */
export async function makeProject(recipe: Recipe, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const step of recipe.steps) await take(step, folder);
  rmSync(join(folder, "node_modules"), { recursive: true, force: true });
  for (const [at, manifest] of Object.entries({ "": {}, ...recipe.manifests })) pinManifest(join(folder, at), manifest);
  for (const [path, text] of Object.entries(recipe.files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  await take(recipe.lock, folder);
  rmSync(join(folder, "node_modules"), { recursive: true, force: true });
}

async function take({ argv: [program = "", ...args], folder = "", env = {} }: Step, place: string): Promise<void> {
  const quiet = {
    CI: "1",
    NO_COLOR: "1",
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_ignore_scripts: "true",
    NEXT_TELEMETRY_DISABLED: "1",
  };
  mkdirSync(join(place, folder), { recursive: true });
  const options = { cwd: join(place, folder), env: { ...process.env, ...quiet, ...env }, maxBuffer: 64 * 1024 ** 2 };
  const running = run(program, args, options);
  running.child.stdin?.end();
  await running;
}

/** What a generator writes as a range is its first version from now on: the same project whenever it is made. */
function pinManifest(folder: string, { dependencies, devDependencies, scripts, ...rest }: Manifest): void {
  const path = join(folder, "package.json");
  const made = JSON.parse(readFileSync(path, "utf8")) as Manifest;
  const manifest = {
    ...made, ...rest, name: made["name"] ?? "shop",
    scripts: { ...withoutPlaceholder(made.scripts), ...scripts },
    dependencies: { ...pinned(made.dependencies), ...dependencies },
    devDependencies: { ...pinned(made.devDependencies), ...devDependencies },
  }; // prettier-ignore
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

function pinned(ranges: Manifest["dependencies"] = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(ranges).map(([name, range]) => [name, range.replace(/^[\^~](?=\d+\.\d+\.\d+)/, "")]),
  );
}

function withoutPlaceholder(scripts: Manifest["scripts"] = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(scripts).filter(([, text]) => !text.includes("no test specified")));
}
