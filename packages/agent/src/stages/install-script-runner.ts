import { insidePaths } from "../core/inside-paths.ts";

export type RunnerInput = {
  /** As the project's setting names them; "." is the project itself. */
  names: readonly string[];
  /** Inside path of the folder that was installed. */
  root: string;
  /** Inside paths of every node_modules. */
  folders: readonly string[];
};

/** What the runner prints as its last line. `exitCode` null: ended by a signal, or by its own time. */
export type RanScript = { package: string; script: string; exitCode: number | null; tail: string };

/**
 * The program that runs the install scripts of the named packages in the fetch sandbox, which then has no exit: their
 * lifecycle as npm runs it, in every place where a package of that name is installed, the project itself last. A
 * package manager's own rebuild is not used, since each of them knows other places and other settings.
 */
export function installScriptRunner(input: RunnerInput): string {
  return `const plan = ${JSON.stringify({ ...input, tree: insidePaths.tree })};${steps}`;
}

const steps = `
const fs = require("node:fs"), path = require("node:path");
const { spawnSync } = require("node:child_process");
const isFolder = (at) => fs.lstatSync(at, { throwIfNoEntry: false })?.isDirectory() === true;
const readJson = (at) => { try { return JSON.parse(fs.readFileSync(at, "utf8")); } catch { return null; } };
const list = (at) => (isFolder(at) ? fs.readdirSync(at) : []);
const wanted = new Set(plan.names.filter((name) => name !== "."));
const found = [];
const visit = (modules, depth) => {
  if (depth > 8) return;
  for (const entry of list(modules)) {
    const at = path.join(modules, entry);
    if (entry === ".pnpm") for (const each of list(at)) visit(path.join(at, each, "node_modules"), depth + 1);
    else if (entry.startsWith("@")) for (const each of list(at)) look(path.join(at, each), entry + "/" + each, depth);
    else if (!entry.startsWith(".")) look(at, entry, depth);
  }
};
const look = (at, name, depth) => {
  if (!isFolder(at)) return;
  if (wanted.has(name)) found.push({ name, at });
  visit(path.join(at, "node_modules"), depth + 1);
};
for (const folder of plan.folders) visit(folder, 0);
const gyp = ["/opt/node/lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js"].find((at) => fs.existsSync(at));
const bins = (at) => {
  const all = [];
  for (let folder = at; folder.startsWith(plan.tree); folder = path.dirname(folder)) all.push(path.join(folder, "node_modules/.bin"));
  return all;
};
const ran = [];
const runScript = ({ name, at, manifest }, script, text) => {
  const shims = fs.mkdtempSync("/tmp/shims-");
  if (gyp) fs.writeFileSync(path.join(shims, "node-gyp"), '#!/bin/sh\\nexec /opt/node/bin/node "' + gyp + '" "$@"\\n', { mode: 0o755 });
  const result = spawnSync("/bin/sh", ["-c", text], {
    cwd: at, encoding: "utf8", timeout: 540000, killSignal: "SIGKILL", maxBuffer: 8 * 1024 * 1024,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env, PATH: [...bins(at), shims, process.env.PATH].join(":"), INIT_CWD: plan.root,
      npm_lifecycle_event: script, npm_lifecycle_script: text, npm_package_json: path.join(at, "package.json"),
      npm_package_name: String(manifest.name ?? name), npm_package_version: String(manifest.version ?? ""),
      npm_node_execpath: process.execPath, npm_config_offline: "true", npm_config_build_from_source: "true", JOBS: "max",
    },
  });
  const tail = ((result.stdout ?? "") + (result.stderr ?? "") + (result.error ? result.error.message : "")).trim().slice(-600);
  ran.push({ package: name, script, exitCode: result.status, tail });
  return result.status === 0;
};
const runAll = (place, events) => {
  const manifest = readJson(path.join(place.at, "package.json")) ?? {};
  const scripts = { ...(manifest.scripts ?? {}) };
  if (!scripts.install && !scripts.preinstall && fs.existsSync(path.join(place.at, "binding.gyp"))) scripts.install = "node-gyp rebuild";
  let count = 0;
  for (const event of events) {
    if (typeof scripts[event] !== "string") continue;
    count++;
    if (!runScript({ ...place, manifest }, event, scripts[event])) break;
  }
  if (count === 0) ran.push({ package: place.name, script: "none", exitCode: 0, tail: "" });
};
for (const name of wanted) {
  const places = found.filter((place) => place.name === name);
  if (places.length === 0) ran.push({ package: name, script: "none", exitCode: null, tail: "It is not installed." });
  for (const place of places) runAll(place, ["preinstall", "install", "postinstall"]);
}
if (plan.names.includes(".")) runAll({ name: ".", at: plan.root }, ["preinstall", "install", "postinstall", "prepare"]);
process.stdout.write("\\n" + JSON.stringify(ran) + "\\n");
`;
