import type { Figure } from "./figure.ts";

const heads = ["figure", "ours", "min..max", "n", "baseline", "", "ratio"];

/** For people: one row a figure, numbers to the right. */
export function renderTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.bench,
    `${figure.ours} ${figure.unit}`,
    `${figure.min}..${figure.max}`,
    String(figure.n),
    `${figure.baseline} ${figure.unit}`,
    figure.baselineName,
    figure.ratio.toFixed(2),
  ]);
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const isText = (column: number) => column === 0 || column === 5;
  return [heads, ...rows]
    .map((row) =>
      row
        .map((cell, column) => (isText(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
