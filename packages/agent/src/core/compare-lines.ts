export type TextLine = { line: number; text: string };
export type LineChanges = { added: TextLine[]; removed: TextLine[] };

/** Lines of one side that the other has not, counted as often as they stand. A moved line is no change. */
export function compareLines(before: string, after: string): LineChanges {
  return { added: notIn(before, after), removed: notIn(after, before) };
}

function notIn(other: string, text: string): TextLine[] {
  const left = new Map<string, number>();
  for (const line of linesOf(other)) left.set(line, (left.get(line) ?? 0) + 1);
  return linesOf(text).flatMap((line, index) => {
    const count = left.get(line) ?? 0;
    if (count === 0) return [{ line: index + 1, text: line }];
    left.set(line, count - 1);
    return [];
  });
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/\r\n|\n|\r/);
}
