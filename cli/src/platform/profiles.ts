import { chmodSync, mkdirSync } from "node:fs";
import Conf from "conf";

export type Profile = {
  url: string;
  token: string;
  /** Of the token, where we know it. */
  keyId?: string;
  project?: string;
};
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
    file: store.path,
    read(name?: string): Profile | undefined {
      return store.get("profiles")[name ?? store.get("current")];
    },
    /** The stored login for one server. */
    forUrl(url: string): Profile | undefined {
      return Object.values(store.get("profiles")).find((profile) => sameOrigin(profile.url, url));
    },
    nameFor(url: string): string | undefined {
      return Object.entries(store.get("profiles")).find(([, one]) => sameOrigin(one.url, url))?.[0];
    },
    save(name: string, profile: Profile): void {
      // One login for one server: an older one there is of a database that is gone.
      const others = Object.entries(store.get("profiles")).filter(([, one]) => !sameOrigin(one.url, profile.url));
      store.set({ current: name, profiles: { ...Object.fromEntries(others), [name]: profile } });
    },
    /** Forgets the login for one server. */
    forget(url: string): void {
      const { current, profiles } = store.store;
      const others = Object.entries(profiles).filter(([, one]) => !sameOrigin(one.url, url));
      const isGone = !others.some(([name]) => name === current);
      store.set({
        current: isGone ? (others[0]?.[0] ?? "default") : current,
        profiles: Object.fromEntries(others),
      });
    },
    /** The project that commands mean when none is named. */
    useProject(url: string, project: string): void {
      const [name, profiles] = [this.nameFor(url), store.get("profiles")];
      const named = name === undefined ? undefined : profiles[name];
      if (name !== undefined && named) store.set("profiles", { ...profiles, [name]: { ...named, project } });
    },
  };
}

function sameOrigin(one: string, other: string): boolean {
  return URL.canParse(one) && URL.canParse(other) && new URL(one).origin === new URL(other).origin;
}
