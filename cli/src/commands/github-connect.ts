import { getProjectsProjectIdGithub } from "@feedback-chat/protocol/operations";
import type { GithubConnection } from "@feedback-chat/protocol/github-app";
import { Problem } from "@feedback-chat/protocol/problem";
import type { CommandContext, CommandRun } from "../command.ts";
import { openApi } from "../platform/api-client.ts";
import { cleanText } from "../platform/clean-text.ts";
import { pause } from "../platform/pause.ts";

const lookEveryMs = 2_000;
/** For so long the way through GitHub's pages is good. */
const waitsMs = 3_600_000;

/** Names the pages that a browser has to go through, and waits until the project is connected by the GitHub App. */
const githubConnect: CommandRun<{ wait?: boolean }> = async (context, flags) => {
  const { terminal, signal } = context;
  const api = openApi(context);
  const projectId = api.projectId();
  const look = () => api.call(getProjectsProjectIdGithub, { params: { projectId } });
  let now = await look();
  const endsMs = performance.now() + waitsMs;
  for (let told = ""; !isDone(now); now = await look()) {
    const page = now.app ? now.connectUrl : now.makeAppUrl;
    if (page !== told) tell(context, now, page);
    told = page;
    if (flags.wait === false) break;
    if (performance.now() > endsMs)
      throw new Problem("not_found", "Nobody has connected the project within an hour.", { next: "Run it again." });
    await pause(lookEveryMs, signal);
    signal.throwIfAborted();
  }
  terminal.result("github connect", now);
  if (!isDone(now)) return 8;
  if (!terminal.isJson) terminal.data(`${cleanText(now.repository)}  ${now.way}  ${now.app?.slug ?? ""}\n`);
  terminal.say("Connected: the App's tokens and webhook serve the project. Its own token and webhook may go.");
};
export default githubConnect;

function isDone({ way, access }: GithubConnection): boolean {
  return way === "app" && access === "active";
}

function tell({ terminal }: CommandContext, { app, access }: GithubConnection, url: string): void {
  if (terminal.isJson) return terminal.event({ type: app ? "github.connect" : "github.make_app", url });
  if (access === "suspended") terminal.must("The App's installation is suspended: GitHub's settings lift that.");
  terminal.must(
    `${app ? "Connect the project" : "First make the GitHub App, as the operator"}, in a browser that is logged in:`,
  );
  terminal.must(terminal.bold(cleanText(url)));
}
