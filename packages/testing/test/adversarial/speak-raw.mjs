// Runs inside the sandbox: writes the bytes of each plant to the model's socket, and keeps what came back.
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";

const patienceMs = 4_000;
const socketPath = process.env.ANTHROPIC_UNIX_SOCKET;
const plants = JSON.parse(readFileSync("tools/plants.json", "utf8"));

function speak({ base64, leavesAfterMs }) {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(socketPath, () => socket.write(Buffer.from(base64, "base64")));
    socket.setTimeout(patienceMs, () => socket.destroy());
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
      if (leavesAfterMs === 0) socket.destroy();
    });
    if (leavesAfterMs > 0) setTimeout(() => socket.destroy(), leavesAfterMs);
    socket.on("error", (error) => (answer += `\n${error.code}`));
    socket.on("close", () => resolve(answer));
  });
}

const isTogether = process.argv.includes("--together");
const answers = {};
const all = Object.entries(plants).map(
  ([name, plant]) =>
    async () =>
      void (answers[name] = await speak(plant)),
);
if (isTogether) await Promise.all(all.map((one) => one()));
else for (const one of all) await one();
writeFileSync("answers.json", JSON.stringify(answers, null, 1));
