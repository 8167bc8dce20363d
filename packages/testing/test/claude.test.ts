import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Run } from "@feedback-chat/protocol/run";
import { artifactNames } from "@feedback-chat/protocol/worker";
import { describe, expect, it } from "vitest";
import { openWorld, type World } from "../src/open-world.ts";

const databaseUrl = process.env["TEST_DATABASE_URL"];
const bounded = { timeout: 170_000 };

const inAgent = createRequire(new URL("../../agent/package.json", import.meta.url));
const manifest = inAgent.resolve("@anthropic-ai/claude-code/package.json");
const enginePath = join(dirname(manifest), "bin", "claude.exe"); // its name on every system

const isPublished = ({ stage }: Run) => stage === "preview_ready";
const isHeld = ({ waitingFor }: Run) => waitingFor === "approval";

async function artifact(world: World, runId: string, name: string): Promise<string> {
  const response = await fetch(`${world.tap.url}/v1/runs/${runId}/artifacts/${name}`, {
    headers: { authorization: `Bearer ${world.token}` },
  });
  expect(response.status, name).toBe(200);
  return Buffer.from(await response.arrayBuffer()).toString("latin1");
}

function dumpOf(url: string): string {
  const debian = "/usr/lib/postgresql/15/bin/pg_dump";
  const program = existsSync(debian) ? debian : "pg_dump";
  return execFileSync(program, ["--dbname", url], {
    encoding: "latin1",
    maxBuffer: 64 * 1024 ** 2,
  });
}

/** A secret as text, and as columns of bytes or programs write it. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    bytes.toString("hex"),
    bytes.toString("base64").replace(/=+$/, "").slice(0, -1),
    encodeURIComponent(secret),
  ];
}

describe.concurrent("Claude Code on the scripted model", () => {
  it(
    "S0.40: each project's requests carry its own key, and a model that looks everywhere finds neither",
    bounded,
    async () => {
      await using world = await openWorld({
      databaseUrl, figuresScale: 1, enginePath, scenario: "read-environment", concurrency: 2, settings: { checks: [] },
    }); // prettier-ignore
      const other = await world.addProject({
        repo: "other",
        settings: { checks: [] },
        modelKey: "sk-ant-canary-of-the-other-B2b2",
      });
      world.openIssue({ title: "The first shop's total is wrong" });
      other.openIssue({ title: "The second shop's total is wrong" });
      await world.startWorker();
      const runs = await Promise.all([world.runThat("held", isHeld, 150), other.runThat("held", isHeld, 150)]);

      const asked = world.model.requests.filter(({ path }) => path.startsWith("/v1/messages"));
      const about = (title: string) =>
        new Set(asked.filter(({ body }) => JSON.stringify(body).includes(title)).map(({ keyLast4 }) => keyLast4));
      expect(about("The first shop")).toEqual(new Set([world.secrets.model.slice(-4)]));
      expect(about("The second shop")).toEqual(new Set([other.secrets.model.slice(-4)]));
      expect(new Set(asked.map(({ keyLast4 }) => keyLast4)).size).toBe(2);
      expect([world, other].map(({ secrets }) => world.model.sawKey(secrets.model))).toEqual([true, true]);

      const secrets = [world, other].flatMap((project) => Object.values(project.secrets));
      for (const { id } of runs) {
        const found = await artifact(world, id, "diff.patch");
        for (const part of ["## env", "ANTHROPIC_API_KEY=", "## cmdline", "claude", "## end"])
          expect(found).toContain(part); // it did look
        for (const secret of [...secrets, world.workerKey, world.token])
          for (const form of formsOf(secret)) expect(found.includes(form), form).toBe(false);
        expect(found).not.toMatch(/^\+REACHED/m);
      }
      const seen = JSON.stringify(world.model.requests.map(({ body }) => body));
      for (const secret of secrets) expect(seen.includes(secret)).toBe(false);
    },
  );

  it(
    "S0.42: red checks get one more round, and then hold the change with the reason, whatever the policy",
    bounded,
    async () => {
      await using world = await openWorld({
      databaseUrl, figuresScale: 1, enginePath, scenario: "break-build", settings: { publish: "auto" },
    }); // prettier-ignore
      await world.startWorker();
      world.openIssue();
      const { id } = await world.runThat("held", isHeld, 150);
      const run = await world.runOf(id);
      expect(run).toMatchObject({ stage: "validating", waitingFor: "approval", prNumber: null });
      expect(run.reasonText).toMatch(/check/i);
      expect(run.timeline.filter(({ event }) => event === "fix_round")).toHaveLength(1);
      const { refs, pulls } = world.github.lookAt(world.fullName);
      expect([Object.keys(refs), pulls]).toEqual([["refs/heads/main"], []]);
    },
  );

  it("leaves no secret in any log, event, artifact, pull request or dump of the database", bounded, async () => {
    await using world = await openWorld({
      databaseUrl, figuresScale: 1, enginePath, settings: { publish: "auto" },
    }); // prettier-ignore
    await world.startWorker();
    world.openIssue();
    const { id } = await world.runThat("published", isPublished, 150);
    const leases = world.tap.requests.flatMap(({ lease }) => lease?.split(".").slice(1) ?? []);
    const secrets = new Set([...Object.values(world.secrets), world.workerKey, world.token, ...leases]);
    expect(secrets.size).toBe(7);
    expect(world.model.sawKey(world.secrets.model)).toBe(true);

    const run = await world.runOf(id);
    const lines = await world.logsOf(id);
    const repository = world.github.lookAt(world.fullName);
    const programs = world.started.map((program) => program.said());
    const places: Record<string, string> = {
      server: programs[0] ?? "",
      worker: programs[1] ?? "",
      log: lines.map(({ message }) => message).join("\n"),
      run: JSON.stringify(run),
      github: JSON.stringify(repository),
      commit: execFileSync("git", ["log", "-p", "--all"], {
        cwd: world.gitDir,
        encoding: "latin1",
      }),
      model: JSON.stringify(world.model.requests.map(({ body }) => body)),
      dump: dumpOf(world.databaseUrl ?? ""),
    };
    for (const name of artifactNames) places[name] = await artifact(world, id, name);
    // Each place is what it should be, so that nothing is looked for in nothing.
    const controls: Record<string, string> = {
      server: "server.listening", worker: "job.claimed", log: "Base commit", run: run.branch, github: run.branch,
      commit: "priceCents * line.quantity", model: "issue.json", dump: "COPY fc.job_queue", "diff.patch": "priceCents * line.quantity",
      "evidence.json": "checked", "tree.json": "treeId", "tree.pack": "PACK",
    }; // prettier-ignore
    for (const [place, text] of Object.entries(places)) {
      expect(text, place).toContain(controls[place] ?? "?");
      for (const secret of secrets)
        for (const form of formsOf(secret)) expect(text.includes(form), `${form} in ${place}`).toBe(false);
    }
  });
});
