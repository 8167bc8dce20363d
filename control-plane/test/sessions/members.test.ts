import { createMemberAnswer } from "@feedback-chat/protocol/account";
import { idOf } from "@feedback-chat/protocol/ids";
import { me } from "@feedback-chat/protocol/project";
import { expect, it } from "vitest";
import { openTestPlatform } from "../support/open-test-platform.ts";

it("makes a person with a role and a token of their own, but no role above the maker's and nobody twice", async () => {
  await using platform = await openTestPlatform();
  const { token, workspaceId } = await platform.person("admin");
  const path = `/v1/workspaces/${idOf("ws", workspaceId)}/members`;
  const wanted = {
    email: "demo@example.com",
    login: "demo-maintainer",
    role: "member",
    wantsCliToken: true,
    machine: "demo",
  };
  const made = await platform.call("POST", path, { token, body: wanted });
  const member = createMemberAnswer.parse(made.body);
  const who = await platform.call("GET", "/v1/me", { token: member.cliToken ?? "" });
  expect(me.parse(who.body)).toMatchObject({
    user: { login: "demo-maintainer" },
    workspaces: [{ role: "member" }],
  });
  expect(await platform.call("POST", path, { token, body: wanted })).toMatchObject({
    status: 409,
    body: { code: "name_taken" },
  });
  const above = { ...wanted, email: "boss@example.com", role: "owner" };
  expect((await platform.call("POST", path, { token, body: above })).status).toBe(403);
  const byMember = { ...wanted, email: "x@example.com" };
  expect((await platform.call("POST", path, { token: member.cliToken ?? "", body: byMember })).status).toBe(403);
});
