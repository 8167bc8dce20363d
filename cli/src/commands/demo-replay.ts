import type { CommandContext } from "../command.ts";
import { demoRecording, type DemoRecording } from "../core/demo-moment.ts";
import { pause } from "../platform/pause.ts";
import { tellMoment } from "../platform/tell-moment.ts";

/** Who watches has seen enough of a pause by then. */
const longestPauseMs = 600;

/**
 * Tells a recorded real run, for machines where no sandbox can be had. It says so first, in each line, and last;
 * nothing is started, fetched, asked or written.
 */
export async function replayDemo({ terminal, signal }: Pick<CommandContext, "terminal" | "signal">): Promise<number> {
  const { recordedAt, version, moments } = await readRecording();
  const label = `RECORDING of a real run of feedback-chat ${version} on ${recordedAt.slice(0, 10)}: nothing of it happens on this machine.`;
  if (terminal.isJson) terminal.event({ type: "demo.recording", text: label, version, recordedAt });
  // Also with --quiet: nobody may take it for a run.
  else terminal.must(`\n${terminal.bold(label)}\n`);
  let lastMs = 0;
  for (const moment of moments) {
    const atMs = moment.type === "demo.result" ? lastMs : moment.atMs;
    await pause(Math.min(atMs - lastMs, longestPauseMs), signal);
    signal.throwIfAborted();
    lastMs = atMs;
    tellMoment(terminal, moment, { recordedAt });
  }
  if (!terminal.isJson)
    terminal.must(
      `\n${terminal.bold("End of the recording.")} On Linux with bubblewrap or podman \`feedback-chat demo\` does all this for real.`,
    );
  return 0;
}

async function readRecording(): Promise<DemoRecording> {
  const recording = await import("../recordings/demo.json", { with: { type: "json" } });
  return demoRecording.parse(recording.default);
}
