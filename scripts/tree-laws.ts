import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface SourceFile {
  path: string;
  lineCount: number;
}

const refusedFolders = new Set(["utils", "util", "helpers", "common", "shared", "misc"]);
/** Tests, tables and locales may be longer: they are read by looking something up. */
const isTable = (path: string) =>
  /[.]test[.]tsx?$|[/](test|tables|locales)[/]|^packages[/]protocol[/]src[/]problem[.]ts$/.test(path);
/** The engines that always burst. */
const engines = /(^|\/)(pipeline|claim-job|program|run-machine)[.]ts$/;

/** Every source file of ours; built files, installed ones and fixtures are not ours to judge. */
export function readSourceFiles(root: string): SourceFile[] {
  const pattern = "{packages/*,control-plane,cli,bench,scripts}/**/*.{ts,tsx}";
  const paths = globSync(pattern, {
    cwd: root,
    exclude: (path) => /^(node_modules|dist|fixtures|shop)$/.test(path),
  });
  const kept = paths.filter((path) => !/(^|\/)(node_modules|dist|fixtures|shop)\//.test(path));
  return kept.map((path) => ({
    path,
    lineCount: readFileSync(join(root, path), "utf8").trimEnd().split("\n").length,
  }));
}

/** What is against law 13 and the smells of names, as sentences. */
export function judgeTree(files: readonly SourceFile[]): string[] {
  const packages = Map.groupBy(files, ({ path }) => /^packages\/[^/]+|^[^/]+/.exec(path)?.[0] ?? path);
  return [...files.flatMap(judgeFile), ...[...packages].flatMap(([name, own]) => judgePackage(name, own))];
}

function judgeFile({ path, lineCount }: SourceFile): string[] {
  const wrong = [];
  const parts = path.split("/");
  const name = parts.at(-1) ?? "";
  if (/^index[.]tsx?$/.test(name)) wrong.push(`${path}: an index file is a barrel; import the file`);
  if (parts.some((part) => refusedFolders.has(part.replace(/[.]tsx?$/, ""))))
    wrong.push(`${path}: name the noun it is about`);
  const most = engines.test(path) ? 200 : isTable(path) ? 600 : 500;
  if (lineCount > most) wrong.push(`${path}: ${lineCount} lines, at most ${most}`);
  return wrong;
}

function judgePackage(name: string, files: readonly SourceFile[]): string[] {
  const lengths = files
    .filter(({ path }) => !isTable(path))
    .map(({ lineCount }) => lineCount)
    .toSorted((a, b) => a - b);
  if (lengths.length === 0) return [];
  const wrong = [];
  const p90 = lengths[Math.ceil(lengths.length * 0.9) - 1] ?? 0;
  const long = lengths.filter((lines) => lines > 300).length;
  if (p90 > 150) wrong.push(`${name}: one file in ten is longer than ${p90} lines, allowed 150`);
  if (long / lengths.length > 0.03)
    wrong.push(`${name}: ${long} of ${lengths.length} files above 300 lines, allowed 3 %`);
  return wrong;
}
