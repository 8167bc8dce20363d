import { PassThrough } from "node:stream";
import { isProblem, Problem } from "@feedback-chat/protocol/problem";
import { cleanText } from "./clean-text.ts";
import { stoppedBy } from "./signals.ts";

type Streams = { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream; stderr: NodeJS.WriteStream };
type Settings = {
  isJson: boolean;
  isQuiet: boolean;
  isInteractive: boolean;
  isColourOff: boolean;
  /** A question ends with it. */
  signal: AbortSignal;
};

type Choice<T> = { value: T; label: string; isFirst?: true };

/** stdout is data, stderr is talk. The one module that asks, and the only one that knows of colours. */
export interface Terminal {
  readonly isJson: boolean;
  /** A person sits there who can be asked. */
  readonly isInteractive: boolean;
  /** Data, as it is. */
  data(text: string): void;
  /** One NDJSON event of a stream. */
  event(event: { type: string } & Record<string, unknown>): void;
  /** The one object of `--json`; says nothing otherwise. With a problem: there is data, and it did not go well. */
  result(command: string, data: unknown, problem?: Problem | null): void;
  /** A line for people; text of others is cleaned. */
  say(line: string): void;
  /** A line that a person has to see, also with `--quiet`: on stderr, like all talk. */
  must(line: string): void;
  /** A line that changes in place while something lasts, at a terminal only; "" takes it away. */
  show(line: string): void;
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  /** @throws Problem usage, naming the flag, when nobody can be asked. */
  confirm(question: string, flag: string): Promise<boolean>;
  /** One of several; what is chosen first changes nothing. @throws Problem usage, naming the flag. */
  choose<T extends string>(question: string, choices: Choice<T>[], flag: string): Promise<T>;
  /** A line, "" when nothing was typed. @throws Problem usage, naming the flag. */
  line(question: string, flag: string): Promise<string>;
  /** A line that is not shown. @throws Problem usage, naming the flag. */
  secret(question: string, flag: string): Promise<string>;
  failure(command: string, error: Error, withStack: boolean): void;
}

export function makeTerminal(
  { stdin, stdout, stderr }: Streams,
  { isJson, isQuiet, isInteractive, isColourOff, signal }: Settings,
): Terminal {
  // A terminal that knows no size says 0: a question would be a letter per line, and all choices but one folded away.
  if (stdout.isTTY && stdout.columns === 0) stdout.columns = 80;
  if (stdout.isTTY && stdout.rows === 0) stdout.rows = 24;
  const canAsk = isInteractive && !isJson && Boolean(stdin.isTTY && stdout.isTTY);
  const isPlain = isColourOff || !stderr.isTTY;
  const style = (code: number) => (text: string) => (isPlain ? text : `\u001b[${code}m${text}\u001b[0m`);
  const refuse = (flag: string) =>
    new Problem("usage", `A question would have to be asked, and nobody can answer here: give ${flag}.`, {
      next: `Run it again with ${flag}.`,
    });
  const canShow = Boolean(stderr.isTTY) && !isQuiet && !isJson;
  /** In a question Ctrl-C is a key, no signal. */
  const stopped = () => (signal.aborted ? (signal.reason as Error) : stoppedBy("SIGINT"));
  return {
    isJson,
    isInteractive: canAsk,
    data: (text) => void stdout.write(text),
    event: (event) => void stdout.write(`${JSON.stringify(event)}\n`),
    result: (command, data, problem = null) => {
      if (!isJson) return;
      const error = problem && { code: problem.code, detail: cleanText(problem.message), next: problem.next };
      stdout.write(`${JSON.stringify({ schemaVersion: 1, command, ok: !error, data, error, warnings: [] })}\n`);
    },
    say: (line) => {
      if (!isQuiet) stderr.write(`${line}\n`);
    },
    must: (line) => void stderr.write(`${line}\n`),
    show: (line) => {
      if (canShow) stderr.write(`\r\u001b[K${line}`);
    },
    bold: style(1),
    dim: style(2),
    green: style(32),
    red: style(31),
    async confirm(question, flag) {
      if (!canAsk) throw refuse(flag);
      const { confirm, isCancel } = await import("@clack/prompts");
      using keys = keysOf(stdin);
      const answer = await confirm({ message: question, signal, input: keys.input });
      if (isCancel(answer)) throw stopped();
      return answer;
    },
    async choose<T extends string>(question: string, choices: Choice<T>[], flag: string) {
      if (!canAsk) throw refuse(flag);
      const { select, isCancel } = await import("@clack/prompts");
      using keys = keysOf(stdin);
      const first = choices.find(({ isFirst }) => isFirst)?.value;
      const options = choices.map(({ value, label }) => ({ value: value as string, label }));
      const answer = await select({
        message: question,
        options,
        signal,
        input: keys.input,
        ...(first ? { initialValue: first as string } : {}),
      });
      if (isCancel(answer)) throw stopped();
      return answer as T;
    },
    async line(question, flag) {
      if (!canAsk) throw refuse(flag);
      const { text, isCancel } = await import("@clack/prompts");
      using keys = keysOf(stdin);
      const answer = await text({ message: question, signal, input: keys.input });
      if (isCancel(answer)) throw stopped();
      return answer?.trim() ?? "";
    },
    async secret(question, flag) {
      if (!canAsk) throw refuse(flag);
      const { password, isCancel } = await import("@clack/prompts");
      using keys = keysOf(stdin);
      const answer = await password({ message: question, signal, input: keys.input });
      if (isCancel(answer)) throw stopped();
      return answer;
    },
    failure(command, error, withStack) {
      const next = isProblem(error) ? error.next : "This is a bug of ours: please report it with the stack above.";
      const detail = cleanText(error.message);
      if (isJson) {
        const code = isProblem(error) ? error.code : "bug";
        stdout.write(
          `${JSON.stringify({ schemaVersion: 1, command, ok: false, data: null, error: { code, detail, next }, warnings: [] })}\n`,
        );
        return;
      }
      if (withStack) stderr.write(`${cleanText(error.stack ?? "")}\n`);
      stderr.write(`${style(31)("error")} ${detail}\n${style(2)("next")}  ${cleanText(next)}\n`);
    },
  };
}

/**
 * What is typed, for one question. A stream of its own: when the terminal goes, setting its mode fails, and node:readline
 * would throw that where nobody can catch it; stdin's own listener makes it the end of the terminal.
 */
function keysOf(stdin: NodeJS.ReadStream): Disposable & { input: PassThrough } {
  const setRawMode = (isRaw: boolean) => void stdin.setRawMode(isRaw);
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode });
  stdin.pipe(input, { end: false });
  return {
    input,
    [Symbol.dispose]: () => {
      stdin.unpipe(input);
      stdin.pause();
    },
  };
}
