import { describe, expect, it } from "vitest";
import { podmanFailed } from "./run-in-container.ts";

describe("what podman says when it cannot build its walls", () => {
  it.each([
    ["Error: crun: cannot use cgroup mode: unified hierarchy is missing", /version 2/],
    ["Error: cannot set up namespace using newuidmap: exit status 1", /max_user_namespaces/],
    ["cannot clone: Operation not permitted", /userns/],
    ["spawn podman ENOENT", /apt-get install -y podman/],
    ['Error: could not find a working conmon binary: "conmon"', /apt-get install -y podman/],
    ["", /podman run/],
  ])("has a remedy for: %s", (said, remedy) => {
    const problem = podmanFailed(`level=warning msg="something"\n${said}\n`, 125);
    expect(problem).toMatchObject({ code: "sandbox_unavailable", next: expect.stringMatching(remedy) });
    expect(problem.message).toContain(said);
  });
});
