import { dotted, type Node, type Rule } from "./rule.ts";

const impure = new Set(["Date.now", "Math.random", "performance.now", "crypto.randomUUID", "crypto.getRandomValues"]);
const globals = new Set(["process", "fetch", "setTimeout", "setInterval", "setImmediate", "Buffer", "console"]);

/** Law 1: core has no `node:` import, clock, randomness, `process` or `fetch`; what it needs is an argument. */
export const pureCore: Rule = {
  create(context) {
    const refuse = (node: Node, what: string) =>
      context.report({
        node,
        message: `${what} in core: core is pure, so take its value as an argument (law 1).`,
      });
    const checkSource = (node: Node) => {
      const source = node["source"]?.value;
      if (typeof source === "string" && source.startsWith("node:")) refuse(node, `import of ${source}`);
    };
    return {
      ImportDeclaration: checkSource,
      ImportExpression: checkSource,
      MemberExpression(node) {
        const name = dotted(node);
        if (name && impure.has(name)) refuse(node, name);
        else if (node["object"].type === "Identifier" && globals.has(node["object"].name))
          refuse(node, name ?? node["object"].name);
      },
      CallExpression(node) {
        const callee = node["callee"] as Node;
        if (callee.type === "Identifier" && globals.has(callee["name"])) refuse(node, `${callee["name"]}()`);
      },
      NewExpression(node) {
        if (dotted(node["callee"]) === "Date" && node["arguments"].length === 0) refuse(node, "new Date()");
      },
    };
  },
};
