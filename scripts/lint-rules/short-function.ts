import type { Node, Rule } from "./rule.ts";

const mostLines = 60;

/**
 * Law 13: a function fits a screen. Lines of functions inside it are their own: a closure that returns an object of
 * methods, or a table of handlers, is as long as what stands between them.
 */
export const shortFunction: Rule = {
  create(context) {
    const insideOf: number[] = [];
    const enter = () => void insideOf.push(0);
    const leave = (node: Node) => {
      const { start, end } = node["loc"] as { start: { line: number }; end: { line: number } };
      const lines = end.line - start.line + 1;
      const own = lines - (insideOf.pop() ?? 0);
      if (insideOf.length > 0) insideOf[insideOf.length - 1] = (insideOf.at(-1) ?? 0) + lines - 1;
      if (own > mostLines)
        context.report({
          node,
          message: `${own} lines of its own, at most ${mostLines}: a function fits a screen (law 13).`,
        });
    };
    return {
      FunctionDeclaration: enter,
      FunctionExpression: enter,
      ArrowFunctionExpression: enter,
      "FunctionDeclaration:exit": leave,
      "FunctionExpression:exit": leave,
      "ArrowFunctionExpression:exit": leave,
    };
  },
};
