import type { Node, Rule } from "./rule.ts";

/** Law 6: esbuild bundles `{ z }` to 92 KB gz and `* as z` to 26. */
export const zodNamespace: Rule = {
  create(context) {
    return {
      ImportDeclaration(node) {
        if (node["source"].value !== "zod" || node["importKind"] === "type") return;
        const isNamespace = (node["specifiers"] as Node[]).every((one) => one.type === "ImportNamespaceSpecifier");
        if (!isNamespace)
          context.report({
            node,
            message: 'Write `import * as z from "zod"`: `{ z }` bundles 3.5 times as large (law 6).',
          });
      },
    };
  },
};
