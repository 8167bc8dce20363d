import { spawn } from "node:child_process";
import { once } from "node:events";
import { stripVTControlCharacters } from "node:util";

/** What is typed once the words were drawn since the last answer. */
export type Reply = { asks: RegExp; type: string };

/**
 * Runs a program at a terminal of its own (util-linux' `script`), with a person who answers what it asks. What it said
 * has the terminal's control bytes in it, a character per byte.
 */
export async function atTerminal(
  argv: string[],
  env: Record<string, string>,
  replies: Reply[],
): Promise<{ code: number | null; said: string }> {
  const words = argv.map((word) => `'${word}'`).join(" ");
  const child = spawn("script", ["-qefc", words, "/dev/null"], { env, stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  let answered = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    said += chunk.toString("latin1");
    const drawn = stripVTControlCharacters(Buffer.from(said.slice(answered), "latin1").toString());
    const reply = replies.find(({ asks }) => asks.test(drawn));
    if (!reply) return;
    answered = said.length;
    child.stdin.write(reply.type);
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, said };
}

/** A question drawn anew at each key is there once all its answers are. */
const yes: Reply = { asks: /Yes[^\n]*No/, type: "y" };
const up = "\u001b[A";

/** The three answers to a held run: it stands at the second. */
export const heldAnswers = {
  publish: [
    { asks: /● Keep it held[^]*Reject it/, type: up },
    { asks: /● Publish it/, type: "\r" },
  ],
  keep: [{ asks: /● Keep it held[^]*Reject it/, type: "\r" }],
  reject: [
    { asks: /● Keep it held[^]*Reject it/, type: "\u001b[B" },
    { asks: /● Reject it/, type: "\r" },
  ],
} satisfies Record<string, Reply[]>;

/** With a person who says yes to everything. */
export const sayYes = (argv: string[], env: Record<string, string>) =>
  atTerminal(argv, env, [yes, ...heldAnswers.publish]);
