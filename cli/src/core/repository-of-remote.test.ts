import { describe, expect, it } from "vitest";
import { repositoryOfRemote } from "./repository-of-remote.ts";

describe("repositoryOfRemote", () => {
  it.each([
    ["https://github.com/acme/shop.git", "acme/shop"],
    ["https://github.com/acme/shop", "acme/shop"],
    ["git@github.com:acme/shop.git", "acme/shop"],
    ["ssh://git@github.com/acme/my.shop.git", "acme/my.shop"],
    ["git@work-alias:acme/shop.git", undefined],
    ["https://gitlab.com/acme/shop.git", undefined],
    ["/srv/git/shop.git", undefined],
    ["", undefined],
  ])("reads %j as %j, without a guess", (remote, repository) => {
    expect(repositoryOfRemote(remote, "github.com")).toBe(repository);
  });
});
