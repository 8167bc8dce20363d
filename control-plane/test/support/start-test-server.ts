import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseConfig } from "../../src/config.ts";
import { jsonLog } from "../../src/platform/log.ts";
import { migrationsFolder } from "../../src/platform/migrate.ts";
import { noLimits } from "./no-limits.ts";
import { type RunningServer, startServer } from "../../src/start-server.ts";

export type TestServer = AsyncDisposable &
  RunningServer & {
    dataFolder: string;
    /** Events that it logged, as objects. */
    logged: Record<string, unknown>[];
    ownerCode(): string;
  };

type Options = { env?: Record<string, string>; dashboardFolder?: string; dataFolder?: string };

/** The whole server in this process, listening on a port of the system's, on the embedded database unless told otherwise. */
export async function startTestServer(options: Options = {}): Promise<TestServer> {
  const dataFolder = options.dataFolder ?? mkdtempSync(join(tmpdir(), "fc-server-"));
  const logged: Record<string, unknown>[] = [];
  const log = jsonLog(
    (line) => logged.push(JSON.parse(line) as Record<string, unknown>),
    () => new Date(),
  );
  const server = await startServer(
    { log },
    {
      // Nobody listens on port 9: what speaks with GitHub finds it away.
      config: parseConfig({
        PORT: "0",
        DATA_DIR: dataFolder,
        GITHUB_API_URL: "http://127.0.0.1:9",
        ...noLimits,
        ...options.env,
      }),
      migrationsFolder,
      dashboardFolder: options.dashboardFolder ?? join(dataFolder, "no-dashboard"),
    },
  );
  return {
    ...server,
    dataFolder,
    logged,
    ownerCode() {
      const told = logged.find(({ event }) => event === "owner.code");
      if (typeof told?.["code"] !== "string") throw new Error("The server told no owner's code.");
      return told["code"];
    },
    async [Symbol.asyncDispose]() {
      await server.close();
      if (!options.dataFolder) rmSync(dataFolder, { recursive: true, force: true });
    },
  };
}
