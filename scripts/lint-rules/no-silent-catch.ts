import type { Node, Rule } from "./rule.ts";

const message =
  "This catch swallows every error: let it throw, throw a Problem, or use `ignoring(codes, …)`, which names what is expected (law 5).";

/** Law 5: nothing is caught to be dropped, turned into null, or only logged. */
export const noSilentCatch: Rule = {
  create(context) {
    return {
      CatchClause(node) {
        if (isSilent(node["body"])) context.report({ node, message });
      },
      CallExpression(node) {
        const callee = node["callee"] as Node;
        const handler = node["arguments"].at(-1) as Node | undefined;
        if (callee.type !== "MemberExpression" || callee["property"].name !== "catch" || !handler) return;
        if (handler.type !== "ArrowFunctionExpression" && handler.type !== "FunctionExpression") return;
        if (isSilent(handler["body"])) context.report({ node: handler, message });
      },
    };
  },
};

function isSilent(body: Node): boolean {
  if (body.type !== "BlockStatement") return isNothing(body) || isLog(body);
  const statements = body["body"] as Node[];
  return statements.every((statement) => {
    if (statement.type === "ReturnStatement") return isNothing(statement["argument"]);
    return statement.type === "ExpressionStatement" && isLog(statement["expression"]);
  });
}

function isNothing(value: Node | null): boolean {
  if (!value) return true;
  if (value.type === "Literal") return value["raw"] === "null";
  if (value.type === "UnaryExpression") return value["operator"] === "void";
  return value.type === "Identifier" && value["name"] === "undefined";
}

function isLog(value: Node): boolean {
  const callee = value.type === "CallExpression" ? (value["callee"] as Node) : undefined;
  return callee?.type === "MemberExpression" && ["console", "log", "logger"].includes(callee["object"].name);
}
