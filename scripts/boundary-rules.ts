import type { IForbiddenRuleType } from "dependency-cruiser";

const pkg = "(packages/[^/]+|control-plane|cli|bench)";
const tests = "([.]test[.]ts$|/test/)";
/** `git/` is not among them: those are verbs over one program, and stages are where they are used. */
const adapters = "^packages/agent/src/(engines|sandboxes|proxy|publish|coordinators)/";
/** Where a package is put together: these alone may know every part. */
const agentEntries = "^packages/agent/src/(worker/start-worker|run-issue|compose-machine)[.]ts$";

interface Side {
  path: string | string[];
  pathNot?: string | string[];
}
type Target = Side & { dependencyTypesNot?: ("type-only" | "dynamic-import")[] };

/** "Inwards only" (STYLE.md, The tree): protocol <- core <- ports, platform <- stages, features, commands <- main. */
export const boundaryRules: IForbiddenRuleType[] = [
  forbid(
    "protocol-stands-alone",
    { path: "^packages/protocol/src/" },
    { path: "^" + pkg + "/", pathNot: "^packages/protocol/" },
  ),
  forbid(
    "core-knows-only-core",
    { path: "^(packages/[^/]+|control-plane|cli)/src/core/", pathNot: tests },
    { path: "^" + pkg + "/", pathNot: ["^packages/protocol/src/", "/src/core/"] },
  ),
  forbid(
    "core-has-no-platform-of-node",
    { path: "/src/core/|^packages/protocol/src/", pathNot: tests },
    { path: "^node:|^(fs|os|child_process|net|http)$" },
  ),
  forbid(
    "ports-know-only-core",
    { path: "^packages/agent/src/ports/", pathNot: tests },
    { path: "^packages/agent/src/", pathNot: "^packages/agent/src/(core|ports)/" },
  ),
  forbid(
    "adapters-know-only-ports",
    { path: adapters, pathNot: tests },
    { path: "^packages/agent/src/(stages/|worker/|pipeline[.]ts|run-issue)" },
  ),
  forbid(
    "stages-know-only-ports",
    { path: "^packages/agent/src/stages/", pathNot: tests },
    { path: [adapters, "^packages/agent/src/(worker/|pipeline[.]ts|run-issue)"] },
  ),
  forbid(
    "pipeline-and-worker-know-no-adapter",
    { path: "^packages/agent/src/(pipeline[.]ts|worker/)", pathNot: [tests, agentEntries] },
    { path: adapters },
  ),
  forbid(
    "platform-knows-no-feature",
    { path: "^(packages/agent|control-plane|cli)/src/platform/", pathNot: tests },
    {
      path: "^(packages/agent|control-plane|cli)/src/",
      pathNot: ["/src/(core|platform|ports)/", "^cli/src/(command|config)[.]ts$"],
    },
  ),
  forbid(
    "features-share-no-routes",
    { path: "^control-plane/src/([^/]+)/", pathNot: tests },
    { path: "^control-plane/src/[^/]+/routes[.]ts$", pathNot: "^control-plane/src/$1/" },
  ),
  forbid(
    "nothing-knows-main",
    { path: "^(control-plane|cli|packages/[^/]+)/src/.+/", pathNot: tests },
    { path: "^(control-plane|cli|packages/[^/]+)/src/(main|app|bin|program)[.]ts$" },
  ),
  forbid(
    "config-is-read-by-main-alone",
    { path: "^control-plane/src/", pathNot: [tests, "^control-plane/src/main[.]ts$"] },
    { path: "^control-plane/src/config[.]ts$", dependencyTypesNot: ["type-only"] },
  ),
  forbid(
    "commands-share-no-command",
    { path: "^cli/src/(core|platform)/", pathNot: tests },
    { path: "^cli/src/commands/" },
  ),
  forbid(
    "light-front",
    { path: "^cli/src/", pathNot: tests },
    {
      path: "^(packages/(agent|demo|testing)|control-plane)/",
      dependencyTypesNot: ["type-only", "dynamic-import"],
    },
  ),
  forbid(
    "control-plane-knows-only-the-agents-core",
    { path: "^control-plane/(src|dashboard)/", pathNot: tests },
    { path: "^packages/(agent|demo|testing)/", pathNot: "^packages/agent/src/core/" },
  ),
  forbid(
    "demo-and-testing-know-no-product",
    { path: "^packages/(demo|testing)/src/" },
    { path: "^(packages/agent|control-plane|cli)/" },
  ),
  forbid(
    "product-knows-no-test",
    { path: "^(packages/(?!testing/)[^/]+|control-plane|cli)/src/", pathNot: tests },
    { path: [tests, "^packages/testing/"] },
  ),
  {
    name: "packages-meet-at-published-entries",
    severity: "error",
    from: { path: "^(packages/[^/]+|control-plane|cli)/" },
    to: {
      path: "^(packages/[^/]+|control-plane|cli)/",
      pathNot: "^$1/",
      dependencyTypes: ["local"],
    },
  },
  {
    name: "no-cycle",
    severity: "error",
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
  },
  { name: "every-import-is-found", severity: "error", from: {}, to: { couldNotResolve: true } },
];

function forbid(name: string, from: Side, to: Target): IForbiddenRuleType {
  return { name, severity: "error", from, to };
}
