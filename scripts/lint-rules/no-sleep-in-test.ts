import { isInside, type Node, type Rule } from "./rule.ts";

const message =
  "A sleep in a test is slow or wrong: wait for the condition (vi.waitFor, expect.poll, or a loop that looks).";
const sleepers = new Set(["sleep", "delay"]);
const loops = new Set(["WhileStatement", "DoWhileStatement", "ForStatement", "ForOfStatement"]);

/** Pauses inside a loop that looks for a condition are waiting, not sleeping; a timer that rejects is a deadline. */
export const noSleepInTest: Rule = {
  create(context) {
    const timers = new Set(sleepers);
    const report = (node: Node) => {
      if (!isInside(node, (above) => loops.has(above.type))) context.report({ node, message });
    };
    return {
      ImportDeclaration(node) {
        if (!/^(node:)?timers\/promises$/.test(node["source"].value)) return;
        for (const one of node["specifiers"] as Node[])
          if (one["imported"]?.name === "setTimeout") timers.add(one["local"].name);
      },
      AwaitExpression(node) {
        const call = node["argument"] as Node;
        if (call.type === "CallExpression" && timers.has(call["callee"].name)) report(node);
      },
      NewExpression(node) {
        if (node["callee"].name === "Promise" && resolvesByTimer(node["arguments"][0])) report(node);
      },
    };
  },
};

/** `(resolve) => setTimeout(resolve, 50)`, with or without braces and an inner arrow. */
function resolvesByTimer(executor: Node | undefined): boolean {
  const resolve = executor?.["params"]?.[0]?.name as string | undefined;
  const body = executor?.["body"] as Node | undefined;
  const call =
    body?.type === "BlockStatement" ? (body["body"].length === 1 ? body["body"][0].expression : undefined) : body;
  const calls = call?.type === "UnaryExpression" ? (call["argument"] as Node) : (call as Node | undefined);
  if (!resolve || calls?.type !== "CallExpression" || calls["callee"].name !== "setTimeout") return false;
  const callback = calls["arguments"][0] as Node;
  return callback["name"] === resolve || callback["body"]?.callee?.name === resolve;
}
