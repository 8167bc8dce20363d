import { spawn } from "node:child_process";
import { once } from "node:events";

/**
 * Runs a program at a terminal of its own (util-linux' `script`), and presses y whenever it asks. What it said has the
 * terminal's control bytes in it.
 */
export async function sayYes(
  argv: string[],
  env: Record<string, string>,
): Promise<{ code: number | null; said: string }> {
  const words = argv.map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qefc", words, "/dev/null"], { env, stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  let answered = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString("latin1");
    // The question, drawn anew at each key, is there once its two answers are.
    const question = said.slice(answered).search(/Yes[^\n]*No/);
    if (question === -1) return;
    answered = said.length;
    child.stdin.write("y");
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}
