import { describe, expect, it } from "vitest";
import { dropHiddenFormulas } from "./hidden-formulas.ts";
import { visibleText } from "./visible-text.ts";

const hidden = [
  String.raw`\phantom{HIDDEN}`,
  String.raw`\hphantom{HIDDEN}`,
  String.raw`\vphantom{HIDDEN}`,
  String.raw`\color{white}{HIDDEN}`,
  String.raw`\textcolor{#fff}{HIDDEN}`,
  String.raw`\tiny HIDDEN`,
  String.raw`\scriptscriptstyle HIDDEN`,
  String.raw`\rlap{HIDDEN}`,
  String.raw`\label{HIDDEN}`,
  String.raw`\def\a{HIDDEN}`,
  String.raw`\newcommand{\a}{HIDDEN}`,
  String.raw`\mathchoice{}{}{HIDDEN}{}`,
  String.raw`\begin{array}{HIDDEN}a\end{array}`,
  String.raw`\href{HIDDEN}{a}`,
  String.raw`\class{HIDDEN}{a}`,
  String.raw`\\[HIDDEN]`,
  String.raw`\\%HIDDEN`,
  String.raw`\kern-99em HIDDEN`,
  String.raw`\unicode[HIDDEN]{65}`,
  String.raw`\!\!\!HIDDEN`,
  String.raw`\text{$ \phantom{HIDDEN} $}`,
];
const forms: [string, (tex: string) => string][] = [
  ["in a line", (tex) => `the sum $a + ${tex}$ is wrong`],
  ["as a block", (tex) => `the sum\n\n$$\na + ${tex}\n$$\n\nis wrong`],
  ["in a line, between backticks", (tex) => `the sum $\`a + ${tex}\`$ is wrong`],
  ["in a fence", (tex) => `the sum\n\n\`\`\`math\na + ${tex}\n\`\`\`\n\nis wrong`],
  ["across marks of Markdown", (tex) => `the sum $_a_ + **${tex}**$ is wrong`],
  ["in brackets and over a line's end", (tex) => `the sum ($a\n+ ${tex}$) is wrong`],
];

describe.each(forms)("a formula %s", (_name, form) => {
  it.each(hidden)("hides nothing by %s", (tex) => {
    const seen = visibleText(form(tex), 20_000);
    expect(seen.text).not.toContain("HIDDEN");
    expect(seen.text).toMatch(/the sum[^]*is wrong/);
    expect(seen.hiddenRemoved).toBeGreaterThan(0);
  });

  it("hides nothing in a comment at a line's end", () => {
    const seen = visibleText(form("b % HIDDEN\nc"), 20_000);
    expect(seen.text).not.toContain("HIDDEN");
  });
});

describe("what is shown", () => {
  it.each([
    String.raw`the root $\sqrt{a^2 + b^2}$, and $$\sum_{i=1}^{n} \frac{1}{i} \leq \text{total}$$`,
    String.raw`a rate of $5\%$, and $\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}$`,
    "from $5 to 20% of $9, or US$3 (5%) and 4$",
    "costs $5 and 100% of $7",
    "run `echo ${name%.*}$(date)` and `$a \\phantom{b}$`",
    "```sh\necho ${name%.*}$(date)\nx=$a%$\n```",
    String.raw`escaped \$a \phantom{b}\$`,
  ])("keeps %s", (text) => {
    expect(dropHiddenFormulas(text)).toEqual({ text, hidden: 0 });
  });

  it("takes linear time, however many dollars there are", () => {
    for (const unit of ["$a ", "$a\\", "$$", "\\$%", "$%a$ ", "$a\n\n%"]) {
      const start = process.cpuUsage();
      visibleText(unit.repeat(40_000 / unit.length), 20_000);
      const { user, system } = process.cpuUsage(start);
      // Of the processor: how busy the machine is does not count.
      expect((user + system) / 1_000, unit).toBeLessThan(4_000);
    }
  });
});
