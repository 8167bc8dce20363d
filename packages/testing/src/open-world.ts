import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGithub, type Github } from "@feedback-chat/demo/github-server";
import { startModel, type ModelServer } from "@feedback-chat/demo/model-server";
import { addProject, type NewProject } from "./add-project.ts";
import { makeDatabase } from "./make-database.ts";
import { setUpOwner } from "./set-up-owner.ts";
import { openTap, type Tap } from "./tap.ts";
import { worldPrograms } from "./world-programs.ts";

export type WorldOptions = {
  /** A server's superuser address: the world gets a database of its own there. Unset = embedded in a folder. */
  databaseUrl?: string | undefined;
  settings?: Record<string, unknown>;
  /** argv that plays the engine inside the sandbox, for speed; unset = the real one on the scripted model. */
  engineCommand?: string[] | undefined;
  enginePath?: string | undefined;
  scenario?: string;
  /** All times of the lease protocol. */
  figuresScale?: number;
  concurrency?: number;
  /** Variables for the worker's process alone. */
  workerEnvironment?: Record<string, string>;
};

export type World = Awaited<ReturnType<typeof openWorld>>;

/** Mends the shop's bug as a person with sed would: 50 ms instead of an agent. */
export const mend = "sed -i 's/priceCents, 0/priceCents * line.quantity, 0/' /work/src/cart.js && echo mended";
export const sedEngine = ["sh", "-c", mend];
/** The same after some other words of the shell. */
export const sedEngineAfter = (script: string) => ["sh", "-c", `${script}\n${mend}`];

/**
 * The whole product as processes: a real server and worker from their entries, a tap between them, GitHub and model
 * as stand-ins, one project with its webhook. Everything ends with the world, by its id.
 */
export async function openWorld(options: WorldOptions = {}) {
  const opened = new AsyncDisposableStack();
  try {
    const around = await openSurroundings(options, opened);
    const { github, model, tap, folder, databaseUrl } = around;
    const { startWorker, ...running } = opened.use(
      worldPrograms(tap, {
        folder, databaseUrl, githubUrl: github.url, modelUrl: model.url, figuresScale: options.figuresScale ?? 0.1,
        concurrency: options.concurrency ?? 1, engineCommand: options.engineCommand, enginePath: options.enginePath,
        workerEnvironment: options.workerEnvironment ?? {},
      }),
    ); // prettier-ignore
    const owner = await setUpOwner(tap.url, await running.startServer());
    const api = { url: tap.url, token: owner.token };
    const deps = { github, ...api };
    const project = await addProject(deps, { settings: options.settings });
    return {
      ...around, ...running, ...owner, ...project, api,
      startWorker: () => startWorker(owner.workerKey),
      addProject: (input: NewProject) => addProject(deps, input),
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    }; // prettier-ignore
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}

async function openSurroundings(options: WorldOptions, opened: AsyncDisposableStack) {
  const folder = mkdtempSync(join(tmpdir(), "feedback-chat-world-"));
  opened.defer(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  // The sandbox's own user has to get through it.
  chmodSync(folder, 0o711);
  mkdirSync(join(folder, "data"), { mode: 0o700 });
  const database = options.databaseUrl ? opened.use(await makeDatabase(options.databaseUrl)) : undefined;
  const github: Github = opened.use(await startGithub({ folder: join(folder, "github") }));
  const scenario = options.scenario ?? "fix-cart";
  const model: ModelServer = opened.use(await startModel({ scenario }));
  const tap: Tap = opened.use(await openTap("http://127.0.0.1:9"));
  return { folder, databaseUrl: database?.url, github, model, tap };
}
