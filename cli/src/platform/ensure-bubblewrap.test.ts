import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { CommandContext } from "../command.ts";
import { ensureBubblewrap } from "./ensure-bubblewrap.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "programs-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** On a machine that has these programs, and no apt-get. */
function ensure(
  programs: string[],
  set: Record<string, string> = {},
  platform: NodeJS.Platform = "linux",
): Promise<void> {
  for (const name of programs) {
    writeFileSync(join(folder, name), "");
    chmodSync(join(folder, name), 0o755);
  }
  const config = { all: { PATH: folder, ...set } } as unknown as CommandContext["config"];
  return ensureBubblewrap({ config, terminal: {} as CommandContext["terminal"] }, platform);
}

const missing = { code: "sandbox_unavailable", next: expect.stringContaining("apt-get install -y bubblewrap") };

it("is content with bubblewrap", async () => {
  await expect(ensure(["bwrap"])).resolves.toBeUndefined();
});
it("is content with podman where bubblewrap cannot be installed", async () => {
  await expect(ensure(["podman"])).resolves.toBeUndefined();
});
it("names the command where there is neither", async () => {
  await expect(ensure([])).rejects.toMatchObject(missing);
});
it("takes the word of who allows only one of them", async () => {
  await expect(ensure(["podman"], { FEEDBACK_CHAT_SANDBOX: "bubblewrap" })).rejects.toMatchObject(missing);
  await expect(ensure([], { FEEDBACK_CHAT_SANDBOX: "container" })).resolves.toBeUndefined();
});
it.each(["FEEDBACK_CHAT_BWRAP_PATH", "FEEDBACK_CHAT_PODMAN_PATH"])(
  "installs nothing where %s names one",
  async (name) => {
    await expect(ensure([], { [name]: "/opt/walls" })).resolves.toBeUndefined();
  },
);
it("names no Debian package on another system", async () => {
  await expect(ensure(["podman"], {}, "darwin")).rejects.toMatchObject({
    code: "sandbox_unavailable",
    next: expect.stringMatching(/on Linux/),
  });
});
