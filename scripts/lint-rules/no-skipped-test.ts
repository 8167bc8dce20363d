import { type Node, type Rule } from "./rule.ts";

const runners = new Set(["it", "test", "describe", "suite"]);
const marks = new Set(["only", "skip", "todo", "skipIf", "runIf"]);

/** A test that may not run is a gate that is green on nothing: install what it needs instead. */
export const noSkippedTest: Rule = {
  create(context) {
    return {
      MemberExpression(node) {
        if (!marks.has(node["property"].name) || !runners.has(rootOf(node["object"]) ?? "")) return;
        context.report({
          node,
          message: `.${node["property"].name} in a test: every test runs every time, on every machine.`,
        });
      },
    };
  },
};

/** `it` of `it.concurrent.skip`. */
function rootOf(node: Node): string | undefined {
  if (node.type === "MemberExpression") return rootOf(node["object"]);
  return node.type === "Identifier" ? (node["name"] as string) : undefined;
}
