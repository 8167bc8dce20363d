import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { systemClock } from "../src/platform/system-clock.ts";
import { asRunFailure } from "../src/ports/run-failure.ts";
import { cloneRepository, type CloneInput } from "../src/stages/clone.ts";
import { openGitHubBench, type GitHubBench } from "./publish/open-github.ts";

function clone({ folder, github, repository, token }: GitHubBench, more: Partial<CloneInput> = {}) {
  return cloneRepository(
    { clock: systemClock(), signal: new AbortController().signal },
    {
      repository: { ...repository, apiUrl: github.url, isPrivate: true },
      baseRef: null,
      token,
      cacheFolder: folder.at("cache"),
      runFolder: folder.at("run"),
      ...more,
    },
  );
}

async function failureOf(cloning: Promise<unknown>) {
  const end = await cloning.then(() => null, asRunFailure);
  if (!end) throw new Error("no failure of the run");
  return end;
}

describe("cloneRepository over HTTP", () => {
  it("clones a private repository, follows a rename, and leaves the token nowhere", async () => {
    await using bench = await openGitHubBench({ isPrivate: true });
    bench.github.renameRepository({ repo: "acme/shop", name: "store" });
    await using cloned = await clone(bench);
    expect(Buffer.from((await cloned.readFile(cloned.baseSha, "a.txt")) ?? []).toString()).toBe("1\n");
    expect(
      spawnSync("grep", ["-rlF", bench.token, bench.folder.at("cache"), bench.folder.at("run")]).stdout.toString(),
    ).toBe("");
  });

  it("asks for no object of a commit that the mirror has, and for those of the next one", async () => {
    await using bench = await openGitHubBench();
    const { requests } = bench.github;
    const asked = async () => {
      requests.length = 0;
      await using cloned = await clone(bench);
      return { sha: cloned.baseSha, requests: requests.length };
    };
    const cold = await asked();
    const warm = await asked();
    expect(warm).toEqual({ sha: cold.sha, requests: 2 }); // what it speaks, and where the branch stands
    expect(cold.requests).toBeGreaterThan(warm.requests);
    await bench.github.pushFiles({ repo: "acme/shop", branch: "main", files: { "a.txt": "2\n" } });
    const next = await asked();
    expect(next.requests).toBeGreaterThan(warm.requests);
    expect(next.sha).toBe(bench.github.lookAt("acme/shop").refs["refs/heads/main"]);
  });

  it("keeps a resumed run on its commit although the branch moved on", async () => {
    await using bench = await openGitHubBench();
    const baseSha = bench.github.lookAt("acme/shop").refs["refs/heads/main"]!;
    await bench.github.pushFiles({ repo: "acme/shop", branch: "main", files: { "a.txt": "2\n" } });
    await using cloned = await clone(bench, { baseSha, baseRef: "main" });
    expect(cloned.baseSha).toBe(baseSha);
  });

  // pipeline.md, cases 36 and 37
  it("says truthfully that the token is refused, that nothing is there, and that GitHub is away", async () => {
    await using bench = await openGitHubBench({ isPrivate: true });
    expect(await failureOf(clone(bench, { token: null }))).toMatchObject({ code: "github_access" });
    const stranger = bench.github.addToken({ login: "stranger" });
    const refused = await failureOf(clone(bench, { token: stranger }));
    expect(refused).toMatchObject({
      code: "github_access",
      isRetryable: false,
      next: expect.stringContaining("a private one is not there for other tokens"),
    });
    expect(JSON.stringify(refused)).not.toContain(stranger);
    const empty = await bench.github.createRepository({ owner: "acme", name: "empty", files: {} });
    const cloneUrl = `${bench.github.url}/acme/empty.git`;
    expect(
      await failureOf(
        clone(bench, {
          token: bench.github.addToken({ login: "acme" }),
          repository: { ...empty, cloneUrl, apiUrl: bench.github.url, isPrivate: false },
        }),
      ),
    ).toMatchObject({ code: "clone", detail: expect.stringContaining("empty") });
    bench.github.failNext({ path: /shop\.git/, status: 502, times: Infinity });
    expect(await failureOf(clone(bench))).toMatchObject({ code: "clone", isRetryable: true });
  });

  it("tries again after a passing fault", async () => {
    await using bench = await openGitHubBench();
    bench.github.failNext({ path: /shop\.git/, status: 503 });
    await using cloned = await clone(bench);
    expect(cloned.baseRef).toBe("main");
  });

  it("ends git at once when the run is stopped", async () => {
    await using bench = await openGitHubBench();
    const held = bench.github.holdNext({ path: /git-upload-pack/ });
    const stopping = new AbortController();
    const { folder, github, repository, token } = bench;
    const cloning = cloneRepository(
      { clock: systemClock(), signal: stopping.signal },
      {
        repository: { ...repository, apiUrl: github.url, isPrivate: false },
        baseRef: null,
        token,
        cacheFolder: folder.at("cache"),
        runFolder: folder.at("run"),
      },
    );
    await held.arrived;
    stopping.abort(new Error("cancelled"));
    await expect(cloning).rejects.toThrow("cancelled");
    const left = spawnSync("pgrep", ["-f", `git .*${github.url}`]).stdout.toString();
    expect(left).toBe("");
  });
});
