import type { GithubApp, Installation } from "../apps/app-state.ts";
import { covers } from "../apps/app-state.ts";
import * as change from "../apps/change-installation.ts";
import { cookieFor } from "../apps/pages.ts";
import { repositoryOf, userOf } from "../find.ts";
import type { Hub } from "../hub.ts";
import type { Repo } from "./who.ts";

type OnInstallation = { installationId: number };

/** What owners of accounts do with apps in GitHub's settings. */
export function appHandles(hub: Hub) {
  const find = ({ installationId }: OnInstallation) => {
    for (const app of hub.apps.byId.values()) {
      const installation = app.installations.get(installationId);
      if (installation) return { app, installation, sender: installation.account };
    }
    throw new Error(`The stand-in for GitHub has no installation ${installationId}.`);
  };
  const appNamed = (slug: string): GithubApp => {
    const app = [...hub.apps.byId.values()].find((one) => one.slug === slug);
    if (!app) throw new Error(`The stand-in for GitHub has no app ${slug}.`);
    return app;
  };
  const doing = (verb: (hub: Hub, app: GithubApp, on: ReturnType<typeof find>) => void) => (on: OnInstallation) => {
    const found = find(on);
    verb(hub, found.app, found);
  };
  return {
    /** The header of a browser in which this person is signed in. */
    browserOf: (login: string) => ({ cookie: cookieFor(userOf(hub, login).login).split(";")[0] ?? "" }),
    installApp({ app, repositories, by }: { app: string; repositories: string[]; by?: string }): { id: number } {
      const chosen = repositories.map((name) => repositoryOf(hub, name));
      const account = chosen[0]?.owner;
      if (!account) throw new Error("An app is installed on at least one repository.");
      const sender = by ? userOf(hub, by) : account;
      return { id: change.install(hub, appNamed(app), { account, repositories: chosen, sender }).id };
    },
    uninstallApp: doing(change.uninstall),
    suspendApp: doing(change.suspend),
    unsuspendApp: doing(change.unsuspend),
    /** Takes one repository out of an installation. */
    removeFromInstallation({ repo, ...on }: Repo & OnInstallation): void {
      const found = find(on);
      const gone = repositoryOf(hub, repo);
      const left = [...hub.repositories.values()].filter((one) => one !== gone && covers(found.installation, one));
      change.chooseRepositories(hub, found.app, { ...found, repositories: left });
    },
    /** Moves a repository to another account: the app's installation of the first one ends at it. */
    transferRepository({ repo, to }: Repo & { to: string }): void {
      const repository = repositoryOf(hub, repo);
      const from = repository.owner;
      const lost = installationsWith(hub, repo);
      repository.formerNames.push(`${from.login}/${repository.name}`);
      repository.owner = userOf(hub, to);
      for (const { app, installation } of lost)
        change.chooseRepositories(hub, app, {
          installation, sender: from,
          repositories: [...hub.repositories.values()].filter((one) => one !== repository && covers(installation, one)),
        }); // prettier-ignore
      const changes = { owner: { from: { user: { login: from.login, id: from.id } } } };
      hub.emit(repository, "repository", { action: "transferred", changes }, from);
    },
  };
}

function installationsWith(hub: Hub, repo: string): { app: GithubApp; installation: Installation }[] {
  const repository = repositoryOf(hub, repo);
  return [...hub.apps.byId.values()].flatMap((app) =>
    [...app.installations.values()]
      .filter((installation) => covers(installation, repository))
      .map((installation) => ({ app, installation })),
  );
}
