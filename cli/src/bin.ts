#!/usr/bin/env node
// This file is parsed by whatever Node runs it, Node 12 included: no newer syntax before the check.
const required = [22, 19];
const found = process.versions.node.split(".").map(Number);
const isNewEnough = found[0]! > required[0]! || (found[0] === required[0] && found[1]! >= required[1]!);
if (isNewEnough) {
  // What main throws is a bug: it ends the process with its stack.
  void import("./main.ts").then(({ main }) => main());
} else {
  process.stderr.write(
    `feedback-chat needs Node ${required.join(".")} or newer; this is ${process.version}.\n` +
      "Install a current Node (https://nodejs.org), or run it once with: npx -p node@24 -p feedback-chat feedback-chat\n",
  );
  // 78: a service manager must not try again, since it will not heal.
  process.exitCode = process.argv[2] === "worker" ? 78 : 2;
}
