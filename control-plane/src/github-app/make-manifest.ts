import type { Config } from "../config.ts";
import { eventsOfApp, permissionsOfApp } from "../core/app-permissions.ts";
import { callbackUrl } from "./exchange-code.ts";

/** What GitHub makes our App from; a person may still change its name there. */
export function makeManifest(config: Pick<Config, "mode" | "publicUrl">) {
  const publicUrl = config.publicUrl ?? "";
  return {
    name: `feedback-chat ${new URL(publicUrl).hostname}`.slice(0, 34),
    url: publicUrl,
    hook_attributes: { url: `${publicUrl}/api/github/webhook`, active: true },
    redirect_url: callbackUrl(config),
    callback_urls: [callbackUrl(config)],
    setup_url: `${publicUrl}/api/github/setup`,
    setup_on_update: true,
    // Of one's own: only its owner's account can install it. For many tenants: everybody.
    public: config.mode === "hosted",
    default_permissions: permissionsOfApp(),
    default_events: eventsOfApp,
  };
}
