import { insidePaths } from "../core/inside-paths.ts";
import type { SandboxJob } from "../ports/sandbox.ts";
import { runTry } from "./self-test-run.ts";

const listTwice = `ls -l /proc/self/fd; echo then; exec 9<${insidePaths.tree}; ls -l /proc/self/fd`;

/**
 * Which open files a program finds when it starts. Through a folder's descriptor of the host it would walk out of
 * every mount. The second list has one more, opened on purpose: so the first one would have shown it.
 */
export async function tryDescriptors(job: SandboxJob): Promise<string> {
  const { output } = await runTry(job, { argv: ["sh", "-c", listTwice] });
  const [first = "", second = ""] = output.split("then\n");
  if (!/ 9 -> /.test(second)) return "cannot be looked at";
  const inherited = linksIn(first).filter(({ number, target }) => number > 2 && !isHarmless(target));
  return inherited.length === 0
    ? "none"
    : `open: ${inherited.map(({ number, target }) => `${number} -> ${target}`).join(", ")}`.slice(0, 200);
}

function linksIn(list: string): { number: number; target: string }[] {
  return [...list.matchAll(/ (\d+) -> (.*)$/gm)].map(([, number, target = ""]) => ({ number: Number(number), target }));
}

/** The list's own folder; what covers a descriptor that we were started with. */
function isHarmless(target: string): boolean {
  return target === "/dev/null" || /^\/proc\/\d+\/fd$/.test(target);
}
