import { certificateVariables } from "@feedback-chat/protocol/certificates";
import { proxyVariables } from "@feedback-chat/protocol/http-proxies";
import { fromProblemDetails, Problem, problemCodes, problemDetails } from "@feedback-chat/protocol/problem";
import type { CommandContext } from "../command.ts";
import { findPart } from "./find-part.ts";
import { type Child, ChildDied, type ChildEvent, startChild } from "./start-child.ts";

export type ControlPlane = AsyncDisposable & {
  url: string;
  child: Child;
  /** Only at the very first start of a database: who shows it may make the owner. */
  ownerCode: string | undefined;
};

type Input = {
  /** The server's variables: PORT, DATA_DIR, DATABASE_URL, …; nothing else of our environment goes along. */
  env: Record<string, string | undefined>;
  isOffline: boolean;
  onEvent?: (event: ChildEvent) => void;
};

const networkVariables = [...proxyVariables, ...certificateVariables];

/**
 * Starts `feedback-chat-server` as a child and waits until it listens.
 * @throws Problem of the server's own: port_in_use, data_locked, disk_full, network, …
 */
export async function startControlPlane(
  context: Pick<CommandContext, "terminal" | "config" | "folder" | "version" | "signal">,
  { env, isOffline, onEvent }: Input,
): Promise<ControlPlane> {
  const part = await findPart(context, "@feedback-chat/control-plane", isOffline);
  let ownerCode: string | undefined;
  const child = startChild({
    file: part.resolve("server"),
    env: {
      PATH: context.config.all["PATH"],
      HOME: context.config.all["HOME"],
      ...Object.fromEntries(networkVariables.map((name) => [name, context.config.all[name]])),
      FEEDBACK_CHAT_STOP_WITH_STDIN: "1",
      ...env,
    },
    onEvent: (event) => {
      if (event.event === "owner.code") ownerCode = String(event["code"]);
      onEvent?.(event);
    },
    signal: context.signal,
  });
  const listening = await child.heard("server.listening").catch((error: unknown) => {
    throw asProblem(error);
  });
  return { url: String(listening["url"]), child, get ownerCode() { return ownerCode; }, [Symbol.asyncDispose]: () => child.stop() }; // prettier-ignore
}

/** The problem that a part told in its last event; anything else stays the bug that it is. */
export function asProblem(error: unknown): unknown {
  if (!(error instanceof ChildDied) || !error.failure) return error;
  const { problem, code, reason, next } = error.failure;
  if (problem) return fromProblemDetails(problemDetails.parse(problem));
  const known = problemCodes.find((one) => one === code);
  return known ? new Problem(known, String(reason), typeof next === "string" ? { next } : {}) : error;
}
