/**
 * The trusted repository of one run: a GIT_DIR outside every sandbox. No git command ever looks at the agent's
 * work tree: `writeTree` walks it with our own code and hands git blobs, one by one.
 */
export interface RunRepository extends AsyncDisposable {
  readonly baseSha: string;
  readonly baseRef: string;
  /** Writes the base commit's files to `folder`, without `.git`; submodules and LFS files stay pointers. */
  exportTree(treeish: string, folder: string): Promise<void>;
  /** Reads one file of a commit or tree; null when it is not there. */
  readFile(treeish: string, path: string): Promise<Uint8Array | null>;
}
