/**
 * Plays the agent inside the sandbox: asks the model once through the run's proxy, so that money is reserved and
 * settled, and mends the shop's bug. A tenth of a second instead of an agent's minutes.
 */
const script = `
const { request } = require("node:http");
const { readFileSync, writeFileSync } = require("node:fs");
const body = JSON.stringify({
  model: process.env.FEEDBACK_CHAT_MODEL, max_tokens: 64, stream: false,
  messages: [{ role: "user", content: "Say yes." }],
});
const asking = request({
  socketPath: process.env.ANTHROPIC_UNIX_SOCKET, path: "/v1/messages", method: "POST",
  headers: { "content-type": "application/json", "x-api-key": process.env.ANTHROPIC_API_KEY, "anthropic-version": "2023-06-01" },
}, (answer) => {
  let said = "";
  answer.on("data", (part) => { said += part; });
  answer.on("end", () => {
    console.log("model " + answer.statusCode + (answer.statusCode === 200 ? "" : " " + said.slice(0, 300)));
    const file = "/work/src/cart.js";
    writeFileSync(file, readFileSync(file, "utf8").replace("priceCents, 0", "priceCents * line.quantity, 0"));
    console.log("mended");
  });
});
asking.on("error", (error) => { console.error(error.message); process.exit(1); });
asking.end(body);
`;

export const engineCommand = ["node", "-e", script];
