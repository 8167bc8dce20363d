import type { SetupOwnerAnswer, SignInWays } from "@feedback-chat/protocol/account";
import type { DeviceLookAnswer } from "@feedback-chat/protocol/device";
import type { ProblemDetails } from "@feedback-chat/protocol/problem";
import type { Me, ProjectPage, Project } from "@feedback-chat/protocol/project";
import type { ActionAnswer, ActionRequest, RunDetail, RunPage } from "@feedback-chat/protocol/run";
import type { Workspace } from "@feedback-chat/protocol/workspace";

/** An answer that says no, with what to do next. */
export class ApiError extends Error {
  readonly status: number;
  readonly next: string;
  readonly requestId: string;

  constructor({ status, detail, next, requestId }: Pick<ProblemDetails, "status" | "detail" | "next" | "requestId">) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.next = next;
    this.requestId = requestId;
  }
}

/** The server that these pages come from; shapes are its own, of the same release. */
export const api = {
  me: () => get<Me>("/v1/me"),
  setup: () => get<{ needsOwner: boolean }>("/api/setup"),
  projects: () => get<ProjectPage>("/v1/projects?limit=100"),
  project: (id: string) => get<Project>(`/v1/projects/${id}`),
  runs: (projectId: string) => get<RunPage>(`/api/runs/${projectId}?limit=100`),
  run: (id: string) => get<RunDetail>(`/v1/runs/${id}`),
  artifact: (runId: string, name: string) =>
    send(`/v1/runs/${runId}/artifacts/${name}`, {}).then((answer) => answer.text()),
  act: (projectId: string, runId: string, body: ActionRequest) =>
    post<ActionAnswer>(`/api/runs/${projectId}/${runId}/action`, body),
  signIn: (body: { email: string; password: string }) => post<{ ok: true }>("/api/auth/sign-in/email", body),
  ways: () => get<SignInWays>("/api/auth/ways"),
  /** To a mailbox, or where the answer says. */
  askLink: (email: string) => post<{ linkWentTo: SignInWays["linkWentTo"] }>("/api/auth/sign-in/magic-link", { email }),
  openLink: (token: string) => post<{ ok: true }>("/api/auth/magic-link/verify", { token }),
  proveAddress: (token: string) => post<{ ok: true }>("/api/auth/verify-email", { token }),
  beginGithub: () => post<{ url: string }>("/api/auth/sign-in/github", {}),
  acceptInvite: (token: string) => post<Workspace>("/v1/invites/accept", { token }),
  lookAtDevice: (userCode: string) => post<DeviceLookAnswer>("/v1/device/look", { userCode }),
  decideDevice: (userCode: string, decision: "approved" | "denied") =>
    send("/v1/device/decide", bodyOf({ userCode, decision })),
  signOut: () => post<{ ok: true }>("/api/auth/sign-out", {}),
  setUpOwner: (body: { code: string; email: string; password: string; name: string }) =>
    post<SetupOwnerAnswer>("/api/setup/owner", body),
};

async function get<T>(path: string): Promise<T> {
  return (await send(path, {})).json() as Promise<T>;
}

async function post<T>(path: string, body: unknown): Promise<T> {
  return (await send(path, bodyOf(body))).json() as Promise<T>;
}

function bodyOf(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

async function send(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(path, init);
  if (response.ok) return response;
  throw new ApiError(await problemOf(response));
}

async function problemOf(response: Response) {
  const { status } = response;
  if (response.headers.get("content-type")?.includes("problem+json"))
    return { ...((await response.json()) as ProblemDetails), status };
  const detail = `The server answered ${status} ${response.statusText}.`;
  return { status, detail, next: "Try again in a moment.", requestId: "" };
}
