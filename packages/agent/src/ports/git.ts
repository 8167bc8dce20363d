/**
 * The trusted repository of one run: a GIT_DIR outside every sandbox. No git command ever looks at the agent's
 * work tree: `collect` walks it with our own code and hands git blobs, one by one.
 */
export interface RunRepository extends AsyncDisposable {
  /** Bare; the publisher gets this and a tree id, nothing else. */
  readonly gitDir: string;
  /** Fixed for the run, whatever happens to the branch meanwhile. */
  readonly baseSha: string;
  readonly baseRef: string;
  /** Writes a commit's or tree's files to the empty `folder`, without `.git`; submodules become empty folders, LFS files stay pointers. */
  exportTree(treeish: string, folder: string): Promise<void>;
  /** Reads one file of a commit or tree; null when it is not there, or is no regular file. */
  readFile(treeish: string, path: string): Promise<Uint8Array | null>;
}
