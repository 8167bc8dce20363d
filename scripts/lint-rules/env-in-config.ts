import { dotted, type Rule } from "./rule.ts";

/** Law 2: the environment is read once, in a package's `config.ts` or its bin; the rest receives values. */
export const envInConfig: Rule = {
  create(context) {
    return {
      MemberExpression(node) {
        if (dotted(node) !== "process.env") return;
        context.report({
          node,
          message: "process.env outside config.ts: parse it there and hand the value in (law 2).",
        });
      },
    };
  },
};
