import { insidePaths } from "../core/inside-paths.ts";
import type { InstallPlan } from "./install-plan.ts";

export const registrySocket = "registry.sock";
/** Where a fetched package manager stands: in the fetch sandbox's tree, and mounted elsewhere for scripts that call it. */
export const programFolder = ".feedback-chat-program";
export const insideProgram = "/opt/package-manager";

/**
 * The program of the fetch sandbox. Package managers speak TCP to a proxy, the exit is a unix socket: it stands
 * between. It fetches the package manager if that is not npm, compares its hash, and runs it. For Plug'n'Play it makes
 * the programs of packages callable: there is no .bin.
 */
export function fetchScript({ program, args, leaves }: Pick<InstallPlan, "program" | "args" | "leaves">): string {
  const folder = `${insidePaths.tree}/${programFolder}`;
  return `const plan = ${JSON.stringify({ program, args, leaves, folder, inside: insideProgram })};
const socketPath = "${insidePaths.sockets}/${registrySocket}";${steps}`;
}

const steps = `
const net = require("node:net"), fs = require("node:fs"), path = require("node:path");
const { createHash } = require("node:crypto");
const { spawn, execFileSync } = require("node:child_process");
const offline = {
  pnpm: "pnpm_config_pm_on_fail=ignore npm_config_manage_package_manager_versions=false",
  yarn: "YARN_ENABLE_TELEMETRY=0 YARN_ENABLE_NETWORK=0",
  bun: "DO_NOT_TRACK=1",
};
const server = net.createServer((client) => {
  const exit = net.connect(socketPath);
  client.on("error", () => exit.destroy());
  exit.on("error", () => client.destroy());
  client.pipe(exit).pipe(client);
});
const run = (env, command, ...args) => new Promise((resolve) => {
  const output = args[0] === "pack" ? "ignore" : "inherit"; // the name of the file
  const child = spawn(command, args, { stdio: ["ignore", output, "inherit"], env });
  child.on("error", (error) => { console.error(error.message); process.exit(127); });
  child.on("exit", (code) => code === 0 ? resolve() : process.exit(code ?? 1));
});
const compare = ({ algorithm, hex, of }, kind, file, program) => {
  if (of !== kind) return;
  const found = createHash(algorithm).update(fs.readFileSync(file)).digest("hex");
  if (found === hex) return;
  console.error(program.name + " " + program.version + " is not the one that is pinned: its " + algorithm + " is " + found);
  process.exit(1);
};
const pack = async (env, { version, registry }, name) => {
  const to = fs.mkdtempSync("/tmp/program-");
  await run(env, "npm", "pack", name + "@" + version, "--silent", "--ignore-scripts", "--registry=" + registry, "--pack-destination=" + to, "--cache=/tmp/npm");
  return path.join(to, fs.readdirSync(to)[0]);
};
const askVoucher = async (env, program) => {
  const tarball = await pack(env, program, program.vouchedBy.package);
  compare(program.vouchedBy.hash, "tarball", tarball, program);
  const { optionalDependencies } = JSON.parse(execFileSync("tar", ["-xzOf", tarball, "package/package.json"], { encoding: "utf8" }));
  if (optionalDependencies?.[program.package] === program.version) return;
  console.error(program.name + " " + program.version + " is not the one that is pinned: its package does not name " + program.package);
  process.exit(1);
};
const fetchProgram = async (env, program) => {
  const { name, hash } = program;
  const folder = plan.folder;
  if (program.vouchedBy) await askVoucher(env, program);
  const tarball = await pack(env, program, program.package);
  if (hash) compare(hash, "tarball", tarball, program);
  fs.mkdirSync(folder);
  await run(env, "tar", "-xzf", tarball, "-C", folder, "--no-same-owner");
  fs.rmSync(path.dirname(tarball), { recursive: true });
  const { bin } = JSON.parse(fs.readFileSync(folder + "/package/package.json", "utf8"));
  const file = path.join("package", program.file ?? (typeof bin === "string" ? bin : bin[name]));
  if (hash) compare(hash, "file", path.join(folder, file), program);
  fs.chmodSync(path.join(folder, file), 0o755);
  // For scripts that call it in other sandboxes, where it must not look for another version of itself.
  fs.mkdirSync(folder + "/bin");
  const start = (program.runs === "itself" ? "" : "node ") + "'" + plan.inside + "/" + file + "'";
  fs.writeFileSync(path.join(folder, "bin", name), "#!/bin/sh\\n" + offline[name] + " exec " + start + ' "$@"\\n', { mode: 0o755 });
  return path.join(folder, file);
};
const writeShims = (env, yarn) => {
  const ask = (cwd, ...args) => execFileSync("node", [yarn, ...args, "--json"], { cwd, env, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] })
    .split("\\n").filter(Boolean).map((line) => JSON.parse(line));
  const shim = (name, text) => {
    const file = path.join(plan.folder, "bin", name);
    if (path.basename(name) === name && !fs.existsSync(file)) fs.writeFileSync(file, "#!/bin/sh\\n" + text + "\\n", { mode: 0o755 });
  };
  const root = process.cwd(), quoted = (text) => "'" + text.replaceAll("'", "'\\\\''") + "'";
  const loader = fs.existsSync(".pnp.loader.mjs") ? " --experimental-loader file://" + encodeURI(root) + "/.pnp.loader.mjs" : "";
  const table = root + "/.pnp.cjs"; // as yarn writes it, which takes it out again for programs that it starts
  const options = "--require " + (/\\s/.test(table) ? JSON.stringify(table) : table) + loader;
  shim("node", 'case "$NODE_OPTIONS" in *.pnp.cjs*) ;; *) NODE_OPTIONS="$NODE_OPTIONS "' + quoted(options) + "; export NODE_OPTIONS ;; esac\\nexec " + quoted(process.execPath) + ' "$@"');
  for (const { location } of ask(root, "workspaces", "list").slice(0, 30))
    for (const { name, path: file } of ask(path.join(root, location), "bin", "--verbose"))
      shim(name, "exec node " + quoted(file) + ' "$@"');
};
server.listen(0, "127.0.0.1", async () => {
  const proxy = "http://127.0.0.1:" + server.address().port;
  const env = {
    ...process.env, npm_config_proxy: proxy, npm_config_https_proxy: proxy, npm_config_noproxy: "", no_proxy: "",
    HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy, YARN_HTTP_PROXY: proxy, YARN_HTTPS_PROXY: proxy,
  };
  if (plan.program === null) await run(env, "npm", ...plan.args);
  else {
    const file = await fetchProgram(env, plan.program);
    await (plan.program.runs === "itself" ? run(env, file, ...plan.args) : run(env, "node", file, ...plan.args));
    if (plan.leaves === "pnp") writeShims(env, file);
  }
  process.exit(0);
});
`;
