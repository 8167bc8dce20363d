import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { makeHome, runCli, startCli } from "./support/run-cli.ts";

const dataOf = (stdout: string) => (JSON.parse(stdout) as { data: Record<string, unknown> }).data;

it("copies the folder of `up` while it is down, brings the copy back elsewhere, and says what it did not copy", async () => {
  using home = makeHome();
  const { env, folder } = home;
  const [first, second, file] = [join(folder, "first"), join(folder, "second"), join(folder, "copy")];
  const up = async (data: string) => {
    await using running = startCli(["up", "--no-worker", "--port", "0", "--data", data], env);
    await running.said(/feedback-chat is up/);
    const taken = await runCli(["admin", "backup", `${data}-taken`, "--data", data, "--json"], env);
    expect(taken).toMatchObject({ code: 6 });
    expect(JSON.parse(taken.stdout)).toMatchObject({ ok: false, error: { code: "data_locked" } });
    running.kill("SIGTERM");
    return await running.ended;
  };
  expect((await up(first)).stdout).toContain("First login");
  const made = await runCli(["admin", "backup", file, "--data", first, "--json"], env);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(dataOf(made.stdout)).toEqual({ file, kind: "embedded", sizeBytes: statSync(file).size });
  expect(made.stderr).toContain("master key");

  const back = await runCli(["admin", "restore", file, "--data", second], env);
  expect(back, back.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining("kind embedded") as string });
  expect(existsSync(join(second, "master-key"))).toBe(false);
  // The login was made once: a restored instance has its owner.
  const again = await up(second);
  expect(again.stdout).not.toContain("First login");
  expect(readFileSync(file).subarray(0, 2).toString("hex")).toBe("1f8b");
}, 240_000);

it("names what is missing before it does anything", async () => {
  using home = makeHome();
  const absent = join(home.folder, "absent");
  expect(await runCli(["admin", "restore", absent], home.env)).toMatchObject({ code: 5 });
  const move = await runCli(["admin", "move", "--data", absent], home.env);
  expect(move).toMatchObject({ code: 2, stderr: expect.stringContaining("DATABASE_URL") as string });
  const nothing = await runCli(["admin", "backup", join(home.folder, "x"), "--data", absent], home.env);
  expect(nothing).toMatchObject({ code: 5, stderr: expect.stringContaining("no embedded database") as string });
}, 60_000);
