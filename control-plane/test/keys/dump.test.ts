import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { idOf } from "@feedback-chat/protocol/ids";
import { createdKey, createProjectAnswer } from "@feedback-chat/protocol/project";
import { expect, it } from "vitest";
import { openTestPlatform } from "../support/open-test-platform.ts";

it("case 25: leaves no usable key, secret, password or credential in a dump of the database", async () => {
  await using platform = await openTestPlatform();
  const { token, workspaceId } = await platform.person("owner");
  const again = { "idempotency-key": "the same one" };
  const created = await platform.call("POST", "/v1/projects", {
    token, headers: again, body: { name: "Shop", githubRepo: "acme/shop" },
  }); // prettier-ignore
  const { project, webhook, apiKey } = createProjectAnswer.parse(created.body);
  const worker = createdKey.parse(
    (await platform.call("POST", `/v1/workspaces/${idOf("ws", workspaceId)}/worker-keys`, {
      token, headers: again, body: { name: "w" },
    })).body,
  ); // prettier-ignore
  const credential = `sk-ant-${randomBytes(24).toString("hex")}`;
  const set = await platform.call("POST", `/v1/projects/${project.id}/credentials`, {
    token, headers: again, body: { type: "anthropic_api_key", value: credential },
  }); // prettier-ignore
  const password = `pass ${randomBytes(12).toString("hex")}`;
  const member = await platform.call("POST", `/v1/workspaces/${idOf("ws", workspaceId)}/members`, {
    token, headers: again,
    body: { email: "bo@example.com", login: "bo", role: "member", password, wantsCliToken: true },
  }); // prettier-ignore
  expect([created.status, set.status, member.status]).toEqual([201, 201, 201]);

  const dump = dumpOf(platform.databaseUrl ?? "");
  expect(dump).toContain("COPY fc.api_keys"); // it is a dump
  expect(dump).toContain(worker.prefix);
  const secrets = [token, webhook.secret, apiKey, worker.key, credential, password, String(member.body["cliToken"])];
  for (const secret of secrets)
    for (const form of formsOf(secret)) expect(dump.includes(form), `${secret} as ${form}`).toBe(false);
  // The same request again gives the same secrets, from what is sealed.
  const repeated = await platform.call("POST", "/v1/projects", {
    token, headers: again, body: { name: "Shop", githubRepo: "acme/shop" },
  }); // prettier-ignore
  expect(repeated.text).toBe(created.text);
});

function dumpOf(url: string): string {
  const beside = "/usr/lib/postgresql/15/bin/pg_dump";
  const program = existsSync(beside) ? beside : "pg_dump";
  return execFileSync(program, ["--dbname", url], {
    encoding: "latin1",
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** As text, and as the hexadecimal and base64 of a column of bytes. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [secret, bytes.toString("hex"), bytes.toString("base64").replace(/=+$/, "").slice(0, -1)];
}
