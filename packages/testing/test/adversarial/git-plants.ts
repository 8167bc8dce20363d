/** Every hook that githooks(5) of git 2.39 knows, client side and server side. */
export const hooks = [
  "applypatch-msg", "pre-applypatch", "post-applypatch", "pre-commit", "pre-merge-commit", "prepare-commit-msg", "commit-msg",
  "post-commit", "pre-rebase", "post-checkout", "post-merge", "pre-push", "pre-receive", "update", "proc-receive", "post-receive",
  "post-update", "reference-transaction", "push-to-checkout", "pre-auto-gc", "post-rewrite", "sendemail-validate",
  "fsmonitor-watchman", "p4-changelist", "p4-prepare-changelist", "p4-post-changelist", "p4-pre-submit", "post-index-change",
]; // prettier-ignore

/** Mends the shop's bug, so that nothing but the attack stands between the change and its pull request. */
export const mend = "sed -i 's/priceCents, 0/priceCents * line.quantity, 0/' src/cart.js";

/** A repository in the working folder, with every hook in two places. A hook that runs leaves its name. */
export const plantHooks = (canaries: string) => `
git init -q .
mkdir -p .git/hooks .git/elsewhere
for hook in ${hooks.join(" ")}; do
  printf '#!/bin/sh\\ntouch "${canaries}/%s"\\nexit 0\\n' "$hook" > ".git/hooks/$hook"
  cp ".git/hooks/$hook" ".git/elsewhere/$hook"
done
chmod +x .git/hooks/* .git/elsewhere/*
[ "$1" = hooks ] || git config core.hooksPath "$PWD/.git/elsewhere"
`;

/** What makes git run hooks of both kinds: its own work, and a push into the repository. */
export const useHooks = `
echo x > x; git add x; git commit -qm x; git checkout -qb y; git commit -q --amend -m z
git clone -q . ../$1-clone; cd ../$1-clone; git push -q origin HEAD:refs/heads/new`;
export const hooksThatRan = [
  "commit-msg", "post-checkout", "post-commit", "post-index-change", "post-receive", "post-rewrite", "post-update",
  "pre-commit", "pre-receive", "prepare-commit-msg", "reference-transaction", "update",
]; // prettier-ignore

export type ConfigPlant = {
  canaries: string;
  /** Addresses that begin like this are sent… */
  from: string;
  /** …here. */
  to: string;
};

/** A git configuration in which every key that starts a program starts one that leaves the key's name. */
export const hostileConfig = ({ canaries, from, to }: ConfigPlant, folder: string) => `[core]
  repositoryformatversion = 0
  fsmonitor = "touch ${canaries}/fsmonitor; false"
  sshCommand = "touch ${canaries}/sshCommand; false"
  askPass = "touch ${canaries}/askPass; true"
  editor = "touch ${canaries}/editor; true"
  pager = "touch ${canaries}/pager; cat"
  gitProxy = "touch ${canaries}/gitProxy"
  alternateRefsCommand = "touch ${canaries}/alternateRefs; true"
  attributesFile = ${folder}/attributes
[filter "evil"]
  clean = "touch ${canaries}/clean; cat"
  smudge = "touch ${canaries}/smudge; cat"
  required = true
[diff]
  external = "touch ${canaries}/external; true"
[diff "evil"]
  textconv = "touch ${canaries}/textconv; cat"
[merge "evil"]
  driver = "touch ${canaries}/merge; true"
[gpg]
  program = ${canaries}/../evil-gpg
[commit]
  gpgSign = true
[push]
  gpgSign = if-asked
[credential]
  helper = "!touch ${canaries}/helper; true"
[url "${to}"]
  insteadOf = ${from}
  pushInsteadOf = ${from}
[include]
  path = ${folder}/more
`;
const hostileAttributes = "* filter=evil diff=evil merge=evil\n";
const included = (canaries: string) => `[alias]\n  st = "!touch ${canaries}/include"\n`;

/** The same as files, by path below the folder that they are put in. */
export const hostileFiles = (plant: ConfigPlant, folder: string) => ({
  attributes: hostileAttributes,
  more: included(plant.canaries),
  config: hostileConfig(plant, folder),
});

/** A repository in the working folder, configured like that. */
export const plantConfig = (plant: ConfigPlant, folder: string) => `
git init -q .
cat > .git/more <<'EOF'
${included(plant.canaries)}EOF
cat > .git/config <<'EOF'
${hostileConfig(plant, `${folder}/.git`)}EOF
printf '${hostileAttributes.trim()}\\n' > .git/attributes
cp .git/attributes .git/info/attributes
`;

/** What makes git start those programs. */
export const useConfig = [
  "git status", "echo a > a; git add a", "git commit -qm a", "git -c commit.gpgSign=false commit -qm a", "echo b >> a; git diff",
  "git diff --no-ext-diff --textconv", "rm a; git checkout a", "git st", "git ls-remote ssh://nowhere.invalid/x",
  "printf 'protocol=https\\nhost=x.invalid\\n\\n' | git credential fill",
].map((use) => `{ ${use}; } || true`).join("\n"); // prettier-ignore
export const programsThatRan = [
  "clean", "external", "fsmonitor", "gpg", "helper", "include", "smudge", "sshCommand", "textconv",
]; // prettier-ignore

/** A repository whose index, replacements and grafts lie about the work tree, and that borrows the host's objects. */
export const plantLies = ({ host, stolen }: { host: string; stolen: string }) => `
git init -q . && git add -A && git commit -qm base && git commit -q --allow-empty -m second
mkdir -p .git/objects/info .git/info
echo "${host}/objects" > .git/objects/info/alternates
git rev-parse HEAD > .git/info/grafts
git replace "$(git rev-parse HEAD:src/cart.js)" "$(echo replaced | git hash-object -w --stdin)"
git update-index --add --cacheinfo 100644,${stolen},stolen.txt
`;
