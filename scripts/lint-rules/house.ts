/** The laws of the house that no published rule covers, as a plugin of oxlint. Where each applies: .oxlintrc.json. */
import { envInConfig } from "./env-in-config.ts";
import { noSilentCatch } from "./no-silent-catch.ts";
import { noSkippedTest } from "./no-skipped-test.ts";
import { noSleepInTest } from "./no-sleep-in-test.ts";
import { pureCore } from "./pure-core.ts";
import type { Rule } from "./rule.ts";
import { shortFunction } from "./short-function.ts";
import { zodNamespace } from "./zod-namespace.ts";

const rules: Record<string, Rule> = {
  "env-in-config": envInConfig,
  "no-silent-catch": noSilentCatch,
  "no-skipped-test": noSkippedTest,
  "no-sleep-in-test": noSleepInTest,
  "pure-core": pureCore,
  "short-function": shortFunction,
  "zod-namespace": zodNamespace,
};

export default { meta: { name: "house" }, rules };
