/**
 * Loaded with --import before any TypeScript of ours. It is plain JavaScript because an old Node cannot read the rest:
 * without this file the reader would see ERR_UNKNOWN_FILE_EXTENSION instead of a sentence.
 */
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  process.stderr.write(
    `This script runs on Node ${process.version}, but needs Node 24, which the install step places into node_modules.\n` +
      "Either it was started directly (start it as npm run <script>), or the build of the package `node` did not run:\n" +
      "`allowBuilds` in pnpm-workspace.yaml must name it. Next: npx -y pnpm@12.21.0 install --frozen-lockfile\n",
  );
  process.exit(1);
}
