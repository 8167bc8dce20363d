import { lookup } from "node:dns/promises";
import type { Config } from "../config.ts";
import { addressRules } from "../platform/address-rules.ts";
import type { Outside } from "../platform/call-outside.ts";

/** Where endpoints of this instance may be. */
export function outsideOf({ outboundAllow }: Pick<Config, "outboundAllow">): Outside {
  return { rules: addressRules(outboundAllow), lookup };
}
