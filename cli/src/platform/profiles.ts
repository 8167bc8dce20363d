import { chmodSync, mkdirSync } from "node:fs";
import Conf from "conf";

export type Profile = { url: string; token: string; project?: string };
type Stored = { current: string; profiles: Record<string, Profile> };

/** Logins stored on this machine: a 0600 file in a 0700 folder. A token is only ever sent to the address it is stored with. */
export function openProfiles(folder: string) {
  // conf's own default follows the umask.
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const store = new Conf<Stored>({
    cwd: folder,
    configName: "logins",
    configFileMode: 0o600,
    defaults: { current: "default", profiles: {} },
  });
  return {
    read(name?: string): Profile | undefined {
      return store.get("profiles")[name ?? store.get("current")];
    },
    /** The stored login for one server. */
    forUrl(url: string): Profile | undefined {
      return Object.values(store.get("profiles")).find((profile) => sameOrigin(profile.url, url));
    },
    save(name: string, profile: Profile): void {
      store.set({ current: name, profiles: { ...store.get("profiles"), [name]: profile } });
    },
  };
}

function sameOrigin(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).origin === new URL(other).origin;
}
