/**
 * What is tried inside, and what has to come of it. `control_…` probes must work; all others must fail as named.
 * `control` says why a failed try means something: what shows that it would have been noticed.
 */
export type ProbeRow = { id: string; title: string; expected: readonly string[]; control: string; remedy: Remedy };
/** What to do about a try that came through, by what the walls are made of. */
type Remedy = { bubblewrap: string; container: string };

const whatever = (remedy: string): Remedy => ({ bubblewrap: remedy, container: remedy });
const isolation = whatever(
  "Do not run jobs here. Report this with the output of `feedback-chat check --sandbox --json`.",
);
const namespaces = {
  bubblewrap: "Check that bubblewrap is 0.8 or newer and that nothing mounts more of this machine into the sandbox.",
  container:
    "Check that podman is 4.3 or newer, and that neither a wrapper of it nor its system-wide configuration mounts more of this machine; or install bubblewrap, which comes first.",
};
const noRoute = ["ENETUNREACH", "EADDRNOTAVAIL", "EHOSTUNREACH"] as const;
const network = {
  bubblewrap: "The sandbox shares this machine's network: bubblewrap could not make a network namespace of its own.",
  container:
    "The sandbox shares this machine's network: podman did not keep to `--network=none`. See that no wrapper of it changes its arguments; or install bubblewrap.",
};
const limits = {
  bubblewrap: "Limits do not hold here: update util-linux (prlimit) and the kernel (5.14 or newer).",
  container: "Limits do not hold here: update podman, crun and the kernel (5.14 or newer); or install bubblewrap.",
};
const room = whatever("Check that the sandbox's root folder is on a writable disk with room.");
const loopback = whatever(
  "Tests that start a server would fail here: the loopback of a new network namespace cannot be brought up.",
);
const socket = whatever("The socket's folder cannot be mounted: check that its file system allows unix sockets.");
const itself = "it is one";
const ownLoopback = "control_loopback: the same client reaches a listener inside";

export const probeRows: readonly ProbeRow[] = [
  row("control_files", "own files can be written and read", ["works"], [itself, room]),
  row("control_loopback", "the sandbox's own loopback works", ["works"], [itself, loopback]),
  row("control_socket", "the model's socket can be reached", ["works"], [itself, socket]),
  row(
    "environment",
    "the worker's environment is not seen",
    ["absent"],
    ["the names that we give are found and left out", namespaces],
  ),
  row(
    "host_file",
    "a private file of the host cannot be read",
    ["ENOENT"],
    ["the same file was read outside", namespaces],
  ),
  row("mounts", "nothing else of this machine is mounted", ["none"], ["our own mounts are listed", namespaces]),
  row("other_job", "another job's folder cannot be read", ["ENOENT"], ["its secret was read outside", namespaces]),
  row(
    "processes",
    "processes outside, their environment and arguments are not seen",
    ["absent"],
    ["those of two planted processes were read outside", namespaces],
  ),
  row(
    "ptrace",
    "the memory of a process outside cannot be opened",
    ["absent"],
    ["that process was seen outside", isolation],
  ),
  row(
    "capabilities",
    "no capability is kept, and none can be gained",
    ["none"],
    ["at least four sets were found and are empty", isolation],
  ),
  row(
    "system_calls",
    "system calls that no build needs are refused",
    ["refused"],
    ["the same program works when it asks for nothing unusual", isolation],
  ),
  row(
    "descriptors",
    "no open file is inherited",
    ["none"],
    [
      "one that was opened on purpose is listed",
      {
        bubblewrap:
          "Something hands an open file to the sandbox: start the worker without inherited descriptors, and bubblewrap without a wrapper.",
        container:
          "Something hands an open file to the sandbox: start the worker without inherited descriptors, and podman without a wrapper.",
      },
    ],
  ),
  row(
    "host_loopback",
    "a listener on the host's loopback cannot be reached",
    ["ECONNREFUSED"],
    ["it answered outside", network],
  ),
  row(
    "abstract_socket",
    "an abstract unix socket of the host cannot be reached",
    ["ECONNREFUSED"],
    ["it answered outside", network],
  ),
  row("dns", "names cannot be resolved", ["EAI_AGAIN", "ENOTFOUND", "EAI_FAIL"], [ownLoopback, network]),
  row("ipv4", "the internet cannot be reached by IPv4", noRoute, [ownLoopback, network]),
  row("ipv6", "the internet cannot be reached by IPv6", [...noRoute, "EAFNOSUPPORT"], [ownLoopback, network]),
  row("metadata", "the cloud's metadata address cannot be reached", noRoute, [ownLoopback, network]),
  row(
    "user_namespace",
    "no further user namespace can be made",
    ["refused"],
    ["the program was found, and said that it may not", isolation],
  ),
  row("mount", "nothing can be mounted", ["refused"], ["the program was found, and said that it may not", isolation]),
  row("write_outside", "the system cannot be written to", ["EROFS"], ["control_files: own folders can be", namespaces]),
  row(
    "daemon",
    "no process outlives its sandbox",
    ["gone"],
    ["it told its number before its sandbox ended", isolation],
  ),
  row("forks", "1,000 processes cannot be started", ["limited"], ["at least twenty were started", limits]),
  row("memory", "a memory hog is ended", ["limited"], ["it ran until then", limits]),
  row("disk", "a full disk is noticed and ends its filler", ["limited"], ["it wrote until then", limits]),
  row(
    "engine_socket",
    "the engine uses the model's socket",
    ["works"],
    [itself, whatever("This version of the engine ignores ANTHROPIC_UNIX_SOCKET: install the pinned one.")],
  ),
];

function row(
  id: string,
  title: string,
  expected: readonly string[],
  [control, remedy]: readonly [control: string, remedy: Remedy],
): ProbeRow {
  return { id, title, expected, control, remedy };
}
