import { insidePaths } from "../core/inside-paths.ts";
import type { InstallPlan } from "./plan-install.ts";

export const registrySocket = "registry.sock";
/** Where a fetched package manager stands: in the fetch sandbox's tree, and mounted elsewhere for scripts that call it. */
export const programFolder = ".feedback-chat-program";
export const insideProgram = "/opt/package-manager";

/**
 * The program of the fetch sandbox. Package managers speak TCP to a proxy, the exit is a unix socket: it stands
 * between. It fetches the package manager if that is not npm, compares its hash, and runs it.
 */
export function fetchScript({ program, args }: Pick<InstallPlan, "program" | "args">): string {
  return `const plan = ${JSON.stringify({ program, args, folder: `${insidePaths.tree}/${programFolder}` })};
const socketPath = "${insidePaths.sockets}/${registrySocket}";${steps}`;
}

const steps = `
const net = require("node:net"), fs = require("node:fs"), path = require("node:path");
const { createHash } = require("node:crypto");
const { spawn } = require("node:child_process");
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
const fetchProgram = async (env, { name, version, hash, registry }) => {
  const folder = plan.folder, to = "/tmp/program";
  fs.mkdirSync(to);
  await run(env, "npm", "pack", name + "@" + version, "--silent", "--ignore-scripts", "--registry=" + registry, "--pack-destination=" + to, "--cache=/tmp/npm");
  const tarball = path.join(to, fs.readdirSync(to)[0]);
  const found = hash && createHash(hash.algorithm).update(fs.readFileSync(tarball)).digest("hex");
  if (hash && found !== hash.hex) {
    console.error(name + " " + version + " is not the one that is pinned: its " + hash.algorithm + " is " + found);
    process.exit(1);
  }
  fs.mkdirSync(folder);
  await run(env, "tar", "-xzf", tarball, "-C", folder, "--no-same-owner");
  const { bin } = JSON.parse(fs.readFileSync(folder + "/package/package.json", "utf8"));
  const file = path.join("package", typeof bin === "string" ? bin : bin[name]);
  fs.chmodSync(path.join(folder, file), 0o755);
  fs.mkdirSync(folder + "/bin");
  fs.symlinkSync(path.join("..", file), path.join(folder, "bin", name));
  return path.join(folder, file);
};
server.listen(0, "127.0.0.1", async () => {
  const proxy = "http://127.0.0.1:" + server.address().port;
  const env = {
    ...process.env, npm_config_proxy: proxy, npm_config_https_proxy: proxy, npm_config_noproxy: "", no_proxy: "",
    HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy,
  };
  if (plan.program === null) await run(env, "npm", ...plan.args);
  else await run(env, "node", await fetchProgram(env, plan.program), ...plan.args);
  process.exit(0);
});
`;
