import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import * as z from "zod";
import { type Attack, type AttackOptions, openAttack } from "../../src/open-attack.ts";
import { mend, sedEngineAfter } from "../../src/open-world.ts";
import { publishedFile } from "../../src/seen-by-agent.ts";
import type { LocalRun } from "../../src/read-local-run.ts";

/** What the attacker writes to the one socket of the sandbox. */
export type Plant = {
  bytes: string;
  /** Hangs up so long after the request; 0 = with the first byte of the answer. */
  leavesAfterMs?: number;
};
export type Plants = Record<string, string | Plant>;

export const plain = { model: "claude-sonnet-4-5", max_tokens: 1_000, messages: [{ role: "user", content: "hi" }] };

type Wire = { method?: string; target?: string; headers?: string[]; body?: unknown };

/** One request with a right length, unless `headers` say something else too. */
export function wire({ method = "POST", target = "/v1/messages", headers = [], body = plain }: Wire = {}): string {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const lines = [`${method} ${target} HTTP/1.1`, "host: model.invalid", "content-type: application/json", ...headers];
  return [...lines, `content-length: ${Buffer.byteLength(text)}`, "connection: close", "", text].join("\r\n");
}

const program = readFileSync(new URL("speak-raw.mjs", import.meta.url), "utf8");

type ProxyAttackOptions = AttackOptions & {
  /** All plants at once. */
  isTogether?: boolean;
  /** The shell of Claude Code speaks them; else they come from a program in the engine's place. */
  isByClaude?: boolean;
  /** The program in the engine's place stays so long after its work. */
  lingersSeconds?: number;
};

/** An agent that speaks the plants' bytes from inside the sandbox, then makes an honest change. */
export function openProxyAttack(
  plants: Plants,
  { isTogether = false, isByClaude = false, lingersSeconds, ...options }: ProxyAttackOptions,
): Promise<Attack> {
  const script = `cd /work && node tools/speak-raw.mjs ${isTogether ? "--together" : ""}`;
  const planted = Object.entries(plants).map(([name, plant]) => {
    const { bytes, leavesAfterMs } = typeof plant === "string" ? { bytes: plant } : plant;
    return [name, { base64: Buffer.from(bytes, "latin1").toString("base64"), leavesAfterMs }];
  });
  return openAttack({
    ...options,
    files: { "tools/speak-raw.mjs": program, "tools/plants.json": JSON.stringify(Object.fromEntries(planted)) },
    ...(isByClaude
      ? { obey: `${script}\n${mend}` }
      : lingersSeconds === undefined
        ? { engineCommand: sedEngineAfter(script) }
        : { engineCommand: ["sh", "-c", `${script}\n${mend}\nsleep ${lingersSeconds}`] }),
  });
}

/** What the socket answered to each plant, as the agent kept it. */
export function answersOf(attack: Attack): Record<string, string> {
  return z.record(z.string(), z.string()).parse(JSON.parse(publishedFile(attack, "answers.json")));
}

/** The same bytes without our walls: straight to the upstream. */
export function speakOutside(url: string, plant: Plants[string] | undefined): Promise<string> {
  const bytes = typeof plant === "object" ? plant.bytes : (plant ?? "");
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes, "latin1"));
    socket.setTimeout(1_000, () => socket.destroy());
    socket.on("data", (data) => (answer += data.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

const ledger = z.object({
  entries: z.array(z.object({ runId: z.string(), microUsd: z.number(), output: z.number() })),
});

/** What the shared store of this machine has written down for a run, one entry a reservation. */
export function settledOf(attack: Attack, { result }: LocalRun) {
  const { entries } = ledger.parse(JSON.parse(readFileSync(ledgerFile(attack), "utf8")));
  return entries.filter(({ runId }) => runId === result?.runId);
}

/** One file a repository: there is one here. */
export function ledgerFile({ home }: Attack): string {
  const folder = join(home, ".local/state/feedback-chat/spend");
  return join(folder, readdirSync(folder).find((name) => name.endsWith(".json")) ?? "none.json");
}
