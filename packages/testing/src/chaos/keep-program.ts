import { setTimeout as pause } from "node:timers/promises";
import type { Program } from "../start-program.ts";

export type KeptProgram = AsyncDisposable & {
  name: string;
  /** Ends it with this signal; it is started again after so long, as a service manager does. */
  end(signal: NodeJS.Signals, downMs: number): void;
  /** Stands still, with all its connections open, and goes on. */
  freeze(ms: number): Promise<void>;
  /** Resolves once it runs and has said that it is ready. */
  ready(): Promise<void>;
  /** Ends of one that served and that nobody asked to end, with what it said last. */
  surprises: string[];
  /** Events of all its lives. */
  count(event: string): number;
};

type Start = () => Program;

/** One program that is started again whenever it ends. `readyEvent` is what it says when it serves. */
export function keepProgram(name: string, readyEvent: string, start: Start): KeptProgram {
  const lives: Program[] = [];
  const surprises: string[] = [];
  let isOver = false;
  let downMs = 0;
  let isAsked = false;
  const current = () => lives.at(-1);

  async function live(): Promise<void> {
    while (!isOver) {
      isAsked = false;
      const program = start();
      lives.push(program);
      const { code, signal } = await program.exited;
      if (!isAsked && !isOver) {
        // Before it serves it may find the database away, and says so: it is started again.
        const hasServed = program.events.some(({ event }) => event === readyEvent);
        if (hasServed)
          surprises.push(`${name} ended by itself with ${code ?? signal}: ${program.said().slice(-2_000)}`);
        downMs = 500;
      }
      if (!isOver) await pause(downMs);
    }
  }
  const living = live();
  return {
    name,
    surprises,
    end(signal, ms) {
      isAsked = true;
      downMs = ms;
      current()?.kill(signal);
    },
    async freeze(ms) {
      const frozen = current();
      frozen?.kill("SIGSTOP");
      await pause(ms);
      frozen?.kill("SIGCONT");
    },
    async ready() {
      for (;;) {
        const program = current();
        // One that ends before it is ready has a successor.
        const isReady = await program?.heard(readyEvent).then(() => true, () => false); // prettier-ignore
        if (isReady && program === current()) return;
        await pause(50);
      }
    },
    count: (event) => lives.reduce((sum, life) => sum + life.events.filter((one) => one.event === event).length, 0),
    async [Symbol.asyncDispose]() {
      isOver = true;
      await current()?.[Symbol.asyncDispose]();
      await living;
    },
  };
}
