import { postWorkspacesWorkspaceIdWorkerKeys } from "@feedback-chat/protocol/operations";
import type { ApiClient } from "./api-client.ts";
import { asProblem } from "./start-control-plane.ts";
import { type Child, type ChildEvent, startChild } from "./start-child.ts";

type Input = {
  url: string;
  workerKey: string;
  env: Record<string, string | undefined>;
  isOffline: boolean;
  onEvent: (event: ChildEvent) => void;
  signal: AbortSignal;
};

/** This very program as `worker`, a child of ours. It is ready once it said `worker.registered`. */
export async function startLocalWorker({ url, workerKey, env, isOffline, onEvent, signal }: Input): Promise<Child> {
  const child = startChild({
    file: process.argv[1] ?? "",
    args: ["worker", "--no-input", ...(isOffline ? ["--offline"] : [])],
    env: {
      ...env,
      FEEDBACK_CHAT_URL: url,
      FEEDBACK_CHAT_WORKER_KEY: workerKey,
      FEEDBACK_CHAT_STOP_WITH_STDIN: "1",
    },
    onEvent,
    signal,
  });
  await child.heard("worker.registered").catch((error: unknown) => {
    throw asProblem(error);
  });
  return child;
}

export async function createWorkerKey(api: ApiClient, workspaceId: string, name: string): Promise<string> {
  const { key } = await api.call(postWorkspacesWorkspaceIdWorkerKeys, { params: { workspaceId }, body: { name } });
  return key;
}
