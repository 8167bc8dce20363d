/** `owner/name` of a git remote's address, for the GitHub at `githubHost`; undefined for every other host. */
export function repositoryOfRemote(remote: string, githubHost: string): string | undefined {
  const scp = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)\/?(.+)$/.exec(remote);
  const [host, path] = scp
    ? [scp[1], scp[2]]
    : URL.canParse(remote)
      ? [new URL(remote).host, new URL(remote).pathname.slice(1)]
      : [];
  if (host !== githubHost || !path) return undefined;
  return /^([A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}?)(?:\.git)?\/?$/.exec(path)?.[1];
}
