import { randomBytes } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** Found by its form: what looks for it inside does not know it, so its own text can be no false find. */
const canary = () => `CANARY${randomBytes(8).toString("hex")}`;

/**
 * Words that only the host has: in a file outside of /tmp (which the sandbox has its own of), in the environment and
 * the memory of another process, behind a listener on loopback, and one for the environment of whoever starts us.
 */
export async function plantOnHost() {
  const words = { environment: canary(), file: canary(), memory: canary(), loopback: canary() };
  const folder = mkdtempSync("/var/tmp/feedback-chat-canary-");
  const home = join(folder, "secret");
  writeFileSync(home, words.file);
  // Only the walls are between this file and a stranger's program.
  chmodSync(folder, 0o755);
  const victim = spawn("sleep", ["300"], { env: { PATH: "/usr/bin:/bin", VICTIM: words.memory }, stdio: "ignore" });
  const server = createServer((socket) => void socket.on("error", () => socket.destroy()).end(words.loopback));
  server.listen(0, "127.0.0.1");
  await Promise.all([once(server, "listening"), once(victim, "spawn")]);
  return {
    words,
    script: lookAround(home, (server.address() as AddressInfo).port),
    async [Symbol.asyncDispose]() {
      victim.kill("SIGKILL");
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A program that looks everywhere, and prints a line `PROBE <what> <how much it saw>: <canaries or the error>`. */
function lookAround(file: string, port: number): string {
  return `
const fs = require("node:fs"), net = require("node:net"), dns = require("node:dns");
const found = (text) => [...new Set(text.match(/CANARY[0-9a-f]{16}/g) ?? [])].join(",") || "nothing";
const say = (what, seen) => console.log("PROBE " + what + " " + seen);
const trying = (what, act) => { try { say(what, act()); } catch (error) { say(what, error.code ?? error.message); } };
trying("environment", () => found(Object.entries(process.env).join()));
trying("file", () => found(fs.readFileSync(${JSON.stringify(file)}, "latin1")));
trying("homes", () => fs.readdirSync("/root").length + " files");
const memoryOf = (pid) => {
  const maps = fs.readFileSync("/proc/" + pid + "/maps", "latin1");
  const [, from, to] = maps.match(/^([0-9a-f]+)-([0-9a-f]+) .*\\[stack\\]$/m);
  const bytes = Buffer.alloc(Number.parseInt(to, 16) - Number.parseInt(from, 16));
  const memory = fs.openSync("/proc/" + pid + "/mem", "r");
  const length = fs.readSync(memory, bytes, 0, bytes.length, Number.parseInt(from, 16));
  fs.closeSync(memory);
  return bytes.subarray(0, length).toString("latin1");
};
trying("own memory", () => memoryOf("self").includes("PATH=") ? "read" : "not read");
const files = ["environ", "cmdline"], texts = { memory: "", environ: "", cmdline: "" };
for (const pid of fs.readdirSync("/proc").filter((name) => /^\\d+$/.test(name) && name !== String(process.pid))) {
  try { texts.memory += memoryOf(pid); } catch {}
  for (const file of files) try { texts[file] += fs.readFileSync("/proc/" + pid + "/" + file, "latin1"); } catch {}
}
for (const [name, text] of Object.entries(texts)) say("others' " + name, found(text));
const reach = (what, options) => new Promise((resolve) => {
  const socket = net.connect(options);
  const end = (result) => { socket.destroy(); say(what, result); resolve(); };
  socket.setTimeout(3000, () => end("timeout"));
  socket.on("error", (error) => end(error.code));
  socket.on("data", (data) => end(found(String(data))));
});
(async () => {
  const own = net.createServer((socket) => socket.end("CANARY" + "0".repeat(16)));
  await new Promise((ready) => own.listen(0, "127.0.0.1", ready));
  await reach("own loopback", { host: "127.0.0.1", port: own.address().port });
  own.close();
  await reach("host loopback", { host: "127.0.0.1", port: ${port} });
  await reach("metadata", { host: "169.254.169.254", port: 80 });
  await new Promise((resolve) => dns.lookup("example.com", (error, address) => { say("dns", error ? error.code : "answered " + address); resolve(); }));
  console.log("PROBE end");
})();
`;
}

/** The lines of `lookAround` in what somebody said, by what they tell of. */
export function probesIn(text: string): Record<string, string> {
  const lines = text.matchAll(
    /PROBE (environment|file|homes|own memory|others' \w+|own loopback|host loopback|metadata|dns) (.*)$/gm,
  );
  return Object.fromEntries([...lines].map(([, what = "", seen = ""]) => [what, seen.trim()]));
}

export type Weakness = { sed?: string; shell?: string };

/**
 * bubblewrap with one wall less: a script that changes the arguments (they come on descriptor 3) or opens something,
 * and goes on as the real one. `isOn` false: as it is, until `weaken()`.
 */
export function weakBwrap({ sed = "", shell = "" }: Weakness, isOn = true) {
  const folder = mkdtempSync("/var/tmp/feedback-chat-bwrap-");
  chmodSync(folder, 0o755); // the sandbox's own user starts it
  const [path, switchedOn] = [join(folder, "bwrap"), join(folder, "weak")];
  const weaken = () => writeFileSync(switchedOn, "");
  const lines = [
    "#!/bin/sh",
    `[ "$1" = --version ] || [ ! -e ${switchedOn} ] && exec bwrap "$@"`,
    `file=$(mktemp); sed -z '${sed}' <&3 >"$file"; exec 3<"$file"; rm "$file"`,
    shell,
    'exec bwrap "$@"',
  ];
  writeFileSync(path, lines.join("\n"), { mode: 0o755 });
  if (isOn) weaken();
  return { path, weaken, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}
