import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Program, startProgram } from "./start-program.ts";
import type { Tap } from "./tap.ts";

const file = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const serverFile = file("control-plane/src/main.ts");
const workerFile = file("packages/agent/src/worker/main.ts");

export type ProgramSettings = {
  folder: string;
  databaseUrl: string | undefined;
  githubUrl: string;
  modelUrl: string;
  figuresScale: number;
  concurrency: number;
  engineCommand: string[] | undefined;
  enginePath: string | undefined;
  workerEnvironment: Record<string, string>;
};

/** The product's two programs of a world. Whatever was started ends with it, asleep or awake. */
export function worldPrograms(tap: Tap, settings: ProgramSettings) {
  /** The newest of each. */
  const programs: { server: Program | undefined; worker: Program | undefined } = {
    server: undefined,
    worker: undefined,
  };
  const started: Program[] = [];
  const { folder, databaseUrl, githubUrl } = settings;
  const common = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    GITHUB_API_URL: githubUrl,
    GITHUB_URL: githubUrl,
    FEEDBACK_CHAT_FIGURES_SCALE: String(settings.figuresScale),
  };
  return {
    programs,
    started: started as readonly Program[],
    async startServer(): Promise<Program> {
      const env = {
        ...common,
        PORT: "0",
        DATA_DIR: join(folder, "data"),
        PUBLIC_URL: tap.url,
        // A test looks more often than a person does.
        LIMIT_REQUESTS: "1000000",
        ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
      };
      const server = startProgram(serverFile, [], env);
      started.push(server);
      programs.server = server;
      tap.aim(String((await server.heard("server.listening"))["url"]));
      return server;
    },
    async startWorker(workerKey: string): Promise<Program> {
      const worker = startProgram(workerFile, [], {
        ...common,
        ...workerEnvironment(settings),
        FEEDBACK_CHAT_URL: tap.url,
        FEEDBACK_CHAT_WORKER_KEY: workerKey,
      });
      started.push(worker);
      programs.worker = worker;
      await worker.heard("worker.registered");
      return worker;
    },
    /** Ends a process as the kernel would, without a word. */
    async kill(name: "server" | "worker"): Promise<void> {
      const program = programs[name];
      program?.kill("SIGKILL");
      await program?.exited;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      for (const program of started.toReversed()) await program[Symbol.asyncDispose]();
    },
  };
}

function workerEnvironment(settings: ProgramSettings): Record<string, string> {
  const { engineCommand, enginePath } = settings;
  return {
    ...(engineCommand ? { FEEDBACK_CHAT_ENGINE_COMMAND: JSON.stringify(engineCommand) } : {}),
    ...(enginePath ? { FEEDBACK_CHAT_ENGINE_PATH: enginePath } : {}),
    ANTHROPIC_BASE_URL: settings.modelUrl,
    FEEDBACK_CHAT_CONCURRENCY: String(settings.concurrency),
    FEEDBACK_CHAT_DATA: join(settings.folder, "worker"),
    ...settings.workerEnvironment,
  };
}
