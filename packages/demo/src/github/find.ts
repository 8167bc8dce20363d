import type { Hub, Issue, Pull, Repository, User } from "./hub.ts";

export function userOf(hub: Hub, login: string, type: User["type"] = "User"): User {
  const known = hub.users.get(login.toLowerCase());
  if (known) return known;
  const id = hub.newId();
  const user: User = { id, login, type, email: `${id}+${login}@users.noreply.github.com` };
  hub.users.set(login.toLowerCase(), user);
  return user;
}

export function fullNameOf(repository: Repository): string {
  return `${repository.owner.login}/${repository.name}`;
}

/** Finds by `owner/name`, case-insensitively as GitHub does, or says with `isMoved` that it has another name now. */
export function findRepository(hub: Hub, fullName: string): { repository: Repository; isMoved: boolean } | undefined {
  const wanted = fullName.toLowerCase();
  const all = [...hub.repositories.values()];
  const current = all.find((repository) => fullNameOf(repository).toLowerCase() === wanted);
  if (current) return { repository: current, isMoved: false };
  const former = all.find(({ formerNames }) => formerNames.some((name) => name.toLowerCase() === wanted));
  return former && { repository: former, isMoved: true };
}

/** For the handles of tests and of the demo: there a wrong name is a bug of the caller. */
export function repositoryOf(hub: Hub, fullName: string): Repository {
  const found = findRepository(hub, fullName);
  if (!found) throw new Error(`The stand-in for GitHub has no repository ${fullName}.`);
  return found.repository;
}

export function issueOf(repository: Repository, number: number): Issue {
  const issue = repository.issues.get(number);
  if (!issue) throw new Error(`${fullNameOf(repository)} has no issue #${number}.`);
  return issue;
}

export function pullOf(repository: Repository, number: number): Issue & { pull: Pull } {
  const issue = issueOf(repository, number);
  if (!issue.pull) throw new Error(`#${number} of ${fullNameOf(repository)} is no pull request.`);
  return issue as Issue & { pull: Pull };
}
