import picomatch from "picomatch";

export type PathMatcher = (path: string) => boolean;

/**
 * Patterns at any depth: one without a slash matches any part of a path, so that `.github` covers all below it;
 * one with a slash matches from any folder on, and all below it. Case does not count.
 */
export function matchPaths(patterns: readonly string[]): PathMatcher {
  const names = patterns.filter((pattern) => !trim(pattern).includes("/")).map(trim);
  const paths = patterns.filter((pattern) => trim(pattern).includes("/")).map(trim);
  const settings = { dot: true, nocase: true, nonegate: true, noextglob: true, maxLength: 1_024 };
  const isName = names.length > 0 ? picomatch(names, settings) : () => false;
  const isPath =
    paths.length > 0
      ? picomatch(
          paths.flatMap((path) => [path, `**/${path}`, `${path}/**`, `**/${path}/**`]),
          settings,
        )
      : () => false;
  return (path) => path.split("/").some((segment) => segment !== "" && isName(segment)) || isPath(path);
}

function trim(pattern: string): string {
  return pattern.replace(/^\.?\//, "").replace(/\/(\*\*)?$/, "");
}
