import { userOf } from "../find.ts";
import type { Hub, Repository, User } from "../hub.ts";

/** `owner/name` */
export type Repo = { repo: string };
/** An issue or a pull request, and the login of who does it: the repository's owner unless told. */
export type OnIssue = Repo & { number: number; by?: string | undefined };

export function actorOf(hub: Hub, repository: Repository, login: string | undefined): User {
  return login ? userOf(hub, login) : repository.owner;
}
