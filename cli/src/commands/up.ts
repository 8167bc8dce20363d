import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { getMe } from "@feedback-chat/protocol/operations";
import { Problem, problemDetails } from "@feedback-chat/protocol/problem";
import { serverVariables } from "@feedback-chat/protocol/server-variables";
import type { CommandContext, CommandRun } from "../command.ts";
import { wholeNumber } from "../core/whole-number.ts";
import { renderEvent } from "../core/render-event.ts";
import { clientOf } from "../platform/api-client.ts";
import { cleanText } from "../platform/clean-text.ts";
import { ensureBubblewrap } from "../platform/ensure-bubblewrap.ts";
import { findEngineFor } from "../platform/find-engine.ts";
import { findPart } from "../platform/find-part.ts";
import { ignoring } from "../platform/ignoring.ts";
import { openProfiles } from "../platform/profiles.ts";
import type { Child, ChildEvent } from "../platform/start-child.ts";
import { upFolder } from "../platform/run-server-task.ts";
import { type ControlPlane, startControlPlane } from "../platform/start-control-plane.ts";
import { createWorkerKey, startLocalWorker } from "../platform/start-local-worker.ts";
import { takeOwner } from "../platform/take-owner.ts";

type OnEvent = (event: ChildEvent) => void;
type Flags = {
  port?: string;
  host?: string;
  data?: string;
  worker: boolean;
  publicUrl?: string;
  insecureHttp?: boolean;
  offline?: boolean;
};

/** Control plane, embedded database, dashboard and worker on this machine, until Ctrl-C. */
const up: CommandRun<Flags> = async (context, flags) => {
  const { terminal } = context;
  refuseOpenHttp(context, flags);
  if (flags.port !== undefined) wholeNumber("--port", flags.port, [0, 65_535]);
  if (flags.worker) await ensureBubblewrap(context, process.platform);
  const dataFolder = upFolder(context, flags.data);
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const onEvent = (event: ChildEvent) => tell(context, event);
  await using plane = await startControlPlane(context, {
    env: serverEnvironment(context, flags, dataFolder),
    isOffline: flags.offline ?? false,
    onEvent,
  });
  terminal.say(`feedback-chat is up: ${terminal.bold(plane.url)}  (data in ${dataFolder}; Ctrl-C ends it)`);
  await logIn(context, { plane, dataFolder });
  const workerKey = flags.worker ? await workerKeyOf(context, { plane, dataFolder }) : undefined;
  await using worker = workerKey ? await startWorker(context, { plane, workerKey, flags, onEvent }) : undefined;
  if (terminal.isJson)
    terminal.event({
      type: "up.ready",
      url: plane.url,
      dataFolder,
      hasWorker: worker !== undefined,
    });
  return await until(context, plane.child, worker);
};
export default up;

/** A password or a key over plain HTTP is read by everybody on the way. */
function refuseOpenHttp({ config }: CommandContext, flags: Flags): void {
  const { insecureHttp, publicUrl = config.all["PUBLIC_URL"] } = flags;
  const host = hostOf(flags, config);
  const isLoopback = ["127.0.0.1", "::1", "localhost"].includes(host);
  if (isLoopback || insecureHttp || publicUrl?.startsWith("https://")) return;
  throw new Problem("usage", `Listening on ${host} would show keys and passwords to the network.`, {
    next: "Give --public-url https://… of the proxy in front, or --insecure-http if you know the network.",
  });
}

type Environment = Pick<CommandContext["config"], "all">;
const portOf = ({ port }: Flags, { all }: Environment) => port ?? (all["PORT"] || "4100");
const hostOf = ({ host }: Flags, { all }: Environment) => host ?? (all["HOST"] || "127.0.0.1");

/** All that the server reads, as it stands in our environment; flags win. */
function serverEnvironment(
  { config }: CommandContext,
  flags: Flags,
  dataFolder: string,
): Record<string, string | undefined> {
  const set = serverVariables.flatMap((name) => (config.all[name] ? [[name, config.all[name]] as const] : []));
  return {
    ...Object.fromEntries(set),
    // A start through `up` is always one whose server ends with it.
    FEEDBACK_CHAT_STOP_WITH_STDIN: "1",
    PORT: portOf(flags, config),
    HOST: hostOf(flags, config),
    DATA_DIR: dataFolder,
    ...(flags.publicUrl ? { PUBLIC_URL: flags.publicUrl } : {}),
  };
}

type Started = { plane: ControlPlane; dataFolder: string };

/** At the first start we make the owner, tell the login once, and keep a token for this machine. */
async function logIn({ terminal, config }: CommandContext, { plane, dataFolder }: Started): Promise<void> {
  const { url, ownerCode } = plane;
  const profiles = openProfiles(config.configFolder);
  const name = `up:${dataFolder}`;
  if (ownerCode) {
    const owner = await takeOwner(url, ownerCode);
    profiles.save(name, { url, token: owner.token });
    // Data, not talk: with --quiet it would be lost for ever.
    const { email, password } = owner;
    if (terminal.isJson) terminal.event({ type: "up.first_login", email, password });
    else terminal.data(`First login, shown this once: ${email}  password ${password}\n`);
    terminal.say("This machine's command line is logged in. Next: feedback-chat projects create --repo owner/name");
    return;
  }
  // The same control plane may have come back on another port.
  const kept = profiles.read(name);
  if (kept) profiles.save(name, { ...kept, url });
}

async function workerKeyOf(
  { terminal, config }: CommandContext,
  { plane, dataFolder }: Started,
): Promise<string | undefined> {
  const file = join(dataFolder, "worker-key");
  const kept = config.workerKey ?? ignoring(["ENOENT"], () => readFileSync(file, "utf8").trim(), "");
  if (kept) return kept;
  const token = openProfiles(config.configFolder).forUrl(plane.url)?.token;
  const workspaces = token ? (await clientOf(plane.url, token).call(getMe)).workspaces : [];
  const workspace = workspaces.find(({ role }) => role === "owner" || role === "admin");
  if (!workspace || !token) {
    terminal.say(
      "No worker is started: this user has no login for the control plane. Set FEEDBACK_CHAT_WORKER_KEY, or delete the data folder to start anew.",
    );
    return undefined;
  }
  const key = await createWorkerKey(clientOf(plane.url, token), workspace.id, `up on ${hostname()}`);
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  return key;
}

/** The parts are found here, not by the child: whoever waits is told what is fetched. */
async function startWorker(
  context: CommandContext,
  { plane, workerKey, flags, onEvent }: { plane: ControlPlane; workerKey: string; flags: Flags; onEvent: OnEvent },
): Promise<Child> {
  const isOffline = flags.offline ?? false;
  const engine = await findEngineFor(context, await findPart(context, "@feedback-chat/agent", isOffline), isOffline);
  const env = { ...context.config.all, ...engine };
  const { signal } = context;
  const worker = await startLocalWorker({ url: plane.url, workerKey, env, isOffline, onEvent, signal });
  context.terminal.say("The worker is ready: its self-test has shown that the sandbox holds.");
  return worker;
}

/** Until Ctrl-C, or until one of the two ends by itself: then the other is ended too, and the exit code says so. */
async function until(
  { terminal, signal }: CommandContext,
  server: Child,
  worker: Child | undefined,
): Promise<number | undefined> {
  const stopped = new Promise<"stopped">((resolve) => {
    if (signal.aborted) resolve("stopped");
    signal.addEventListener("abort", () => resolve("stopped"), { once: true });
  });
  const endOf = (name: string, child: Child) => child.exited.then((code) => ({ name, code, why: whyOf(child) }));
  const ended = await Promise.race([
    stopped,
    endOf("control plane", server),
    ...(worker ? [endOf("worker", worker)] : []),
  ]);
  if (ended === "stopped") {
    terminal.say("Stopping: running jobs are given back, nothing is lost.");
    return undefined;
  }
  throw new Problem("unavailable", `The ${ended.name} ended by itself with ${ended.code}${ended.why}.`, {
    next: "Start again: what was queued is still there.",
  });
}

function whyOf(child: Child): string {
  const failure = child.failure();
  const details = problemDetails.safeParse(failure?.["problem"]);
  const why = details.success ? details.data.detail : failure?.["reason"];
  return typeof why === "string" ? `: ${why.replace(/\.$/, "")}` : "";
}

/** Of these the reason is told when the part is gone. */
const lastWords = ["server.failed", "worker.ended"];

/** The parts' own log lines are data for machines; people see what matters. */
function tell({ terminal }: CommandContext, event: ChildEvent): void {
  const { event: name, level } = event;
  if (terminal.isJson) return terminal.event({ type: "up.log", ...event });
  if (lastWords.includes(name)) return;
  const line = cleanText(renderEvent(event));
  if (level === "warn" || level === "error") terminal.say(line);
  else if (name.startsWith("job.") || name.startsWith("run.")) terminal.say(terminal.dim(line));
}
