import type { Hub, Repository, User } from "../hub.ts";
import { type GithubApp, type Installation, repositoriesOf } from "./app-state.ts";
import { renderInstallation, renderShort } from "./render-app.ts";

type Chosen = { account: User; repositories: Repository[] | "all"; sender: User };

/** What the button "Install" does: one installation an account, told to the app. A second time changes the selection. */
export function install(hub: Hub, app: GithubApp, { account, repositories, sender }: Chosen): Installation {
  const known = [...app.installations.values()].find((one) => one.account.id === account.id);
  if (known) {
    if (repositories !== "all") chooseRepositories(hub, app, { installation: known, repositories, sender });
    return known;
  }
  const now = hub.now();
  const installation: Installation = {
    id: hub.newId(), account, selection: repositories === "all" ? "all" : "selected",
    repositoryIds: new Set(repositories === "all" ? [] : repositories.map(({ id }) => id)),
    permissions: app.permissions, suspendedAt: null, createdAt: now, updatedAt: now,
  }; // prettier-ignore
  app.installations.set(installation.id, installation);
  tell(hub, app, { installation, sender }, "installation", {
    action: "created",
    repositories: repositoriesOf(hub.repositories.values(), installation).map(renderShort),
    requester: null,
  });
  return installation;
}

type Change = { installation: Installation; sender: User };

/** Its tokens are dead from now on. */
export function uninstall(hub: Hub, app: GithubApp, { installation, sender }: Change): void {
  app.installations.delete(installation.id);
  for (const [value, token] of hub.tokens) if (token.installation === installation) hub.tokens.delete(value);
  tell(hub, app, { installation, sender }, "installation", {
    action: "deleted",
    repositories: repositoriesOf(hub.repositories.values(), installation).map(renderShort),
  });
}

export function suspend(hub: Hub, app: GithubApp, { installation, sender }: Change): void {
  installation.suspendedAt = hub.now();
  tell(hub, app, { installation, sender }, "installation", { action: "suspend" });
}

export function unsuspend(hub: Hub, app: GithubApp, { installation, sender }: Change): void {
  installation.suspendedAt = null;
  tell(hub, app, { installation, sender }, "installation", { action: "unsuspend" });
}

/** Exactly these from now on; what came and what went are told apart, as GitHub does. */
export function chooseRepositories(
  hub: Hub,
  app: GithubApp,
  { installation, sender, repositories }: Change & { repositories: Repository[] },
): void {
  const before = repositoriesOf(hub.repositories.values(), installation);
  const ids = new Set(repositories.map(({ id }) => id));
  const added = repositories.filter((one) => !before.includes(one));
  const removed = before.filter(({ id }) => !ids.has(id));
  installation.selection = "selected";
  installation.repositoryIds = ids;
  installation.updatedAt = hub.now();
  const event = (action: "added" | "removed", came: Repository[], went: Repository[]) =>
    tell(hub, app, { installation, sender }, "installation_repositories", {
      action, repository_selection: "selected", repositories_added: came.map(renderShort),
      repositories_removed: went.map(renderShort), requester: null,
    }); // prettier-ignore
  if (added.length > 0) event("added", added, []);
  if (removed.length > 0) event("removed", [], removed);
}

function tell(
  hub: Hub,
  app: GithubApp,
  { installation, sender }: Change,
  event: string,
  payload: Record<string, unknown>,
): void {
  hub.emitToApp(app, event, { ...payload, installation: renderInstallation(hub, app, installation) }, sender);
}
