import { insidePaths } from "../core/inside-paths.ts";

export type ScriptPlan = {
  canary: string;
  hostFile: string;
  /** Of a process outside, with the word in its arguments. */
  hostPid: number;
  otherFolder: string;
  loopbackPort: number;
  abstractName: string;
  /** How many filters of system calls hold for us already, out here. */
  seccompFilters: number;
  socketPath: string;
  writeTo: string[];
  /** Where something of ours is mounted; besides the system, nothing else may be. */
  ownMounts: string[];
};

/** The program that tries everything from inside. It prints one line `{"id","result"}` a probe. */
export function selfTestScript(plan: ScriptPlan): string {
  return `const plan = ${JSON.stringify(plan)};${helpers}${attempts}`;
}

const helpers = `
const fs = require("node:fs"), net = require("node:net"), os = require("node:os"), dns = require("node:dns"), child = require("node:child_process");
const say = (id, result) => fs.writeSync(1, JSON.stringify({ id, result: String(result) }) + "\\n");
const attempt = (id, act) => { try { say(id, act()); } catch (error) { say(id, error.code || error.message); } };
const reach = (options, wanted) => new Promise((resolve) => {
  const socket = net.connect(options);
  const end = (result) => { socket.destroy(); resolve(result); };
  socket.setTimeout(3000, () => end("timeout"));
  socket.on("error", (error) => end(error.code || error.message));
  socket.on("connect", () => wanted === undefined && end("connected"));
  socket.on("data", (data) => end(String(data).includes(wanted) ? "works" : "other answer"));
});
const tryRun = (command, ...args) => {
  const { status, error, stderr } = child.spawnSync(command, args, { encoding: "utf8" });
  if (error) return error.code;
  if (status === 0) return "done";
  return /not permitted|denied|No space left|superuser|only root/i.test(stderr) ? "refused" : "status " + status + ": " + stderr.slice(0, 100);
};
const processes = () => {
  const own = String(process.pid);
  for (const pid of fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name) && name !== own)) {
    for (const file of ["environ", "cmdline"]) {
      let text = "";
      try { text = fs.readFileSync("/proc/" + pid + "/" + file, "latin1"); } catch {}
      if (text.includes(plan.canary)) return "seen in /proc/" + pid + "/" + file;
    }
  }
  return "absent";
};
const mounts = () => {
  const points = fs.readFileSync("/proc/self/mountinfo", "utf8").trim().split("\\n").map((line) => line.split(" ")[4]);
  if (!["${insidePaths.tree}", "${insidePaths.task}"].every((own) => points.includes(own))) return "own mounts are not listed";
  const known = /^(\\/|\\/(usr|bin|sbin|lib\\w*|proc|dev|tmp)(\\/.*)?|\\/etc\\/[^/]+(\\/[^/]+)?|\\/opt\\/[^/]+|\\/run|\\/run\\/\\.containerenv|\\/sys(\\/.*)?)$/;
  const ours = plan.ownMounts;
  const others = points.filter((point) => !known.test(point) && !ours.includes(point));
  return others.length === 0 ? "none" : "seen: " + others.join(" ").slice(0, 200);
};
const memoryOfHost = () => {
  let command = "";
  try { command = fs.readFileSync("/proc/" + plan.hostPid + "/cmdline", "latin1"); } catch (error) { if (error.code !== "ENOENT") return "seen, " + error.code; }
  if (!command.includes(plan.canary)) return "absent";
  try { fs.closeSync(fs.openSync("/proc/" + plan.hostPid + "/mem", "r+")); return "memory opened"; } catch (error) { return "seen, " + error.code; }
};
const systemCalls = () => {
  const status = fs.readFileSync("/proc/self/status", "utf8");
  const mode = Number(/^Seccomp:\\s*(\\d)$/m.exec(status)?.[1] ?? 0);
  const filters = Number(/^Seccomp_filters:\\s*(\\d+)$/m.exec(status)?.[1] ?? NaN);
  if (mode !== 2 || filters <= plan.seccompFilters) return "no filter of the sandbox's own (" + filters + ")";
  const plain = tryRun("setarch", os.machine(), "true");
  return plain === "done" ? tryRun("setarch", os.machine(), "-R", "true") : "the control failed: " + plain;
};
const capabilities = () => {
  const status = fs.readFileSync("/proc/self/status", "utf8");
  const sets = [...status.matchAll(/^Cap(?:Inh|Prm|Eff|Bnd|Amb):\\s*([0-9a-f]+)$/gm)].map(([, set]) => set);
  if (sets.length < 4 || sets.some((set) => /[1-9a-f]/.test(set))) return "capabilities " + sets.join(" ");
  if (!/^NoNewPrivs:\\s*1$/m.test(status)) return "new privileges can be gained";
  return process.getuid() === 0 ? "root inside" : "none";
};
`;

const attempts = `
(async () => {
  attempt("control_files", () => {
    for (const folder of ["${insidePaths.tree}", "${insidePaths.home}", "${insidePaths.task}", os.tmpdir()]) {
      const path = folder + "/.self-test-" + process.pid;
      fs.writeFileSync(path, plan.canary.slice(0, 4));
      fs.unlinkSync(path);
    }
    return "works";
  });
  await new Promise((resolve) => {
    const server = net.createServer((socket) => socket.end("own"));
    server.listen(0, "127.0.0.1", async () => {
      say("control_loopback", await reach({ port: server.address().port, host: "127.0.0.1" }, "own"));
      server.close(resolve);
    });
    server.on("error", (error) => { say("control_loopback", error.code); resolve(); });
  });
  say("control_socket", await reach({ path: plan.socketPath }, "proxy"));
  const names = Object.keys(process.env).filter((name) => !["PATH", "HOME", "LANG", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"].includes(name));
  say("environment", names.length > 0 ? "seen: " + names.join(" ").slice(0, 200) : "absent");
  attempt("host_file", () => fs.readFileSync(plan.hostFile, "utf8").includes(plan.canary) ? "read" : "other content");
  attempt("mounts", mounts);
  attempt("other_job", () => "seen: " + fs.readdirSync(plan.otherFolder).length + " files");
  attempt("processes", processes);
  attempt("ptrace", memoryOfHost);
  attempt("capabilities", capabilities);
  attempt("system_calls", systemCalls);
  say("host_loopback", await reach({ port: plan.loopbackPort, host: "127.0.0.1" }));
  say("abstract_socket", await reach({ path: "\\0" + plan.abstractName }));
  say("dns", await new Promise((resolve) => dns.lookup("example.com", (error, address) => resolve(error ? error.code : address))));
  say("ipv4", await reach({ host: "1.1.1.1", port: 443 }));
  say("ipv6", await reach({ host: "2606:4700:4700::1111", port: 443 }));
  say("metadata", await reach({ host: "169.254.169.254", port: 80 }));
  say("user_namespace", tryRun("unshare", "--user", "true"));
  say("mount", tryRun("mount", "-t", "tmpfs", "none", "/tmp"));
  attempt("write_outside", () => {
    const results = plan.writeTo.map((folder) => {
      try { fs.writeFileSync(folder + "/.self-test", "x"); return "written: " + folder; } catch (error) { return error.code; }
    });
    return results.find((result) => result !== "EROFS") ?? "EROFS";
  });
})();
`;

/** A daemon by the book: own session, parent gone, deaf to every polite signal. Its parent waits until it runs. */
export function daemonCommand(mark: string): string[] {
  const daemon = `trap '' TERM HUP INT; echo $$ > ${daemonFile}; while :; do sleep 0.2; done # ${mark}`;
  const start = `setsid sh -c '(setsid sh -c "$0" &); exit 0' "$1" >/dev/null 2>&1`;
  return ["sh", "-c", `${start}; while [ ! -s ${daemonFile} ]; do sleep 0.02; done; cat ${daemonFile}`, "sh", daemon];
}
const daemonFile = `${insidePaths.tree}/.self-test-daemon`;
