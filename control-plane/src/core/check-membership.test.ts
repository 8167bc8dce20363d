import { describe, expect, it } from "vitest";
import { checkMembership } from "./check-membership.ts";

const roles = ["owner", "admin", "member", "viewer"] as const;

describe("who may change a membership", () => {
  it("lets only owners touch owners, and nobody below an admin touch anybody", () => {
    for (const caller of roles)
      for (const target of roles)
        for (const to of [...roles, null]) {
          const isAllowed = caller === "owner" || (caller === "admin" && target !== "owner" && to !== "owner");
          const check = () => checkMembership({ caller, target, to, owners: 2 });
          if (isAllowed) expect(check).not.toThrow();
          else expect(check).toThrow(/needs the role admin|Only an owner/);
        }
  });

  it("keeps the last owner, and finds nobody who is no member", () => {
    for (const to of ["admin", "member", "viewer", null] as const)
      expect(() => checkMembership({ caller: "owner", target: "owner", to, owners: 1 })).toThrow(/only owner/);
    expect(() => checkMembership({ caller: "owner", target: "owner", to: "owner", owners: 1 })).not.toThrow();
    expect(() => checkMembership({ caller: "owner", target: undefined, to: null, owners: 1 })).toThrow(
      /no such member/,
    );
    expect(() => checkMembership({ caller: undefined, target: "member", to: null, owners: 1 })).toThrow(/role admin/);
  });
});
