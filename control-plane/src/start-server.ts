import { createAdaptorServer } from "@hono/node-server";
import { v7 as uuidv7 } from "uuid";
import { createApp, type ServerDeps } from "./app.ts";
import type { Config } from "./config.ts";
import type { HandedToken } from "./credentials/revoke-handed.ts";
import { makeHealth } from "./health/make-health.ts";
import type { Database } from "./platform/database.ts";
import type { Log } from "./platform/log.ts";
import { openDatabase } from "./platform/open-database.ts";
import { openStreams } from "./platform/open-streams.ts";
import { sendOnWire } from "./platform/send-on-wire.ts";
import { openSealing } from "./platform/open-sealing.ts";
import { listenForSignals } from "./platform/signals.ts";
import { listen } from "./platform/listen.ts";
import { expectSchema, prepareSchema } from "./prepare-schema.ts";
import { startLoops } from "./start-loops.ts";
import { offerOwnerCode } from "./sessions/offer-owner-code.ts";
import { openSessions } from "./sessions/open-sessions.ts";

type Deps = { log: Log };
type Input = {
  config: Config;
  /** False: the schema is somebody else's to change; an older one is refused. */
  migrates?: boolean;
  migrationsFolder: string;
  dashboardFolder: string;
};

export type RunningServer = {
  url: string;
  deps: ServerDeps;
  /** Answers what is open, then ends loops and database. */
  close(): Promise<void>;
};

/**
 * The whole control plane in this process: database, migrations, vault, loops, HTTP. What was opened is closed again
 * when a later step fails.
 * @throws Problem data_locked, unavailable, port_in_use, disk_full, missing_key, usage
 */
export async function startServer({ log }: Deps, input: Input): Promise<RunningServer> {
  const { config } = input;
  const opened = await openDatabase({ log }, config);
  try {
    return await serve({ log, database: opened }, input);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function serve(
  { log, database }: Deps & { database: Database },
  { config, migrates = true, migrationsFolder, dashboardFolder }: Input,
): Promise<RunningServer> {
  const { db } = database;
  await (migrates ? prepareSchema : expectSchema)({ database, log }, migrationsFolder);
  if (database.kind === "embedded" && config.dataFolder)
    log.info("database.embedded", {
      note: "One file-based database in one process: it survives a crash or a kill, but a power cut is not covered. Use DATABASE_URL where that matters.",
    });
  const { sealing, sessionSecret } = await openSealing({ db }, config);
  if (!sealing.isReady)
    log.error("master_key.lost", {
      reason:
        "The master key does not open what this database holds. Nothing was overwritten; give the right key and start again.",
    });
  const signals = await listenForSignals(database);
  const streams = openStreams();
  const stopping = new AbortController();
  // The address may come from the system (port 0), and the app needs it: requests wait for the app these few moments.
  const { promise: app, resolve: answerWith } = Promise.withResolvers<ReturnType<typeof createApp>>();
  const server = createAdaptorServer({
    fetch: async (request, env) => sendOnWire(streams, await (await app).fetch(request, env), env),
  });
  const door = await listen(server, config);
  const publicUrl = (config.publicUrl ?? door.url).replace(/\/$/, "");
  const core = {
    config: { ...config, publicUrl }, database, db, signals, streams, sealing, log, vault: { unreadable: [] }, handed: new Set<HandedToken>(), now: () => new Date(), newId: () => uuidv7(),
  }; // prettier-ignore
  const deps: ServerDeps = {
    ...core,
    sessions: openSessions(core, { secret: sessionSecret, publicUrl }),
    health: makeHealth({ ...core, monotonicMs: () => performance.now() }),
  };
  answerWith(createApp(deps, { publicUrl, dashboardFolder, stopping: stopping.signal }));
  const loops = startLoops(deps);
  await tellFirstOwner(deps);
  log.info("server.listening", { url: door.url, publicUrl });
  let closing: Promise<void> | undefined;
  const close = async () => {
    stopping.abort();
    streams.endAll();
    await Promise.all([door.close(), loops.stop()]);
    await database.close();
    log.info("server.closed");
  };
  return { url: door.url, deps, close: () => (closing ??= close()) };
}

/** Once, at the first start: who reads this output becomes the owner. The code is in the fragment, which no log sees. */
async function tellFirstOwner(deps: ServerDeps): Promise<void> {
  const offer = await offerOwnerCode(deps, deps.config);
  if (!offer) return;
  const url = `${deps.config.publicUrl ?? ""}/login#code=${offer.code}`;
  deps.log.info("owner.code", { url, code: offer.code });
}
