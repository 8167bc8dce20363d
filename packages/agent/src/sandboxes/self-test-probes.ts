/** What is tried inside, and what has to come of it. `control` probes must work; all others must fail as named. */
export type ProbeRow = { id: string; title: string; expected: readonly string[]; remedy: string };

const isolation = "Do not run jobs here. Report this with the output of `feedback-chat check --sandbox --format json`.";
const namespaces =
  "Check that bubblewrap is 0.8 or newer and that nothing mounts more of this machine into the sandbox.";
const noRoute = ["ENETUNREACH", "EADDRNOTAVAIL", "EHOSTUNREACH"] as const;
const network = "The sandbox shares this machine's network: bubblewrap could not make a network namespace of its own.";

export const probeRows: readonly ProbeRow[] = [
  row(
    "control_files",
    "own files can be written and read",
    ["works"],
    "Check that the sandbox's root folder is on a writable disk with room.",
  ),
  row(
    "control_loopback",
    "the sandbox's own loopback works",
    ["works"],
    "Tests that start a server would fail here: the loopback of a new network namespace cannot be brought up.",
  ),
  row(
    "control_socket",
    "the model's socket can be reached",
    ["works"],
    "The socket's folder cannot be mounted: check that its file system allows unix sockets.",
  ),
  row("environment", "the worker's environment is not seen", ["absent"], namespaces),
  row("host_file", "a private file of the host cannot be read", ["ENOENT"], namespaces),
  row("other_job", "another job's folder cannot be read", ["ENOENT"], namespaces),
  row("processes", "processes outside, their environment and arguments are not seen", ["absent"], namespaces),
  row("ptrace", "nothing can be traced: no capability, and none can be gained", ["none"], isolation),
  row("host_loopback", "a listener on the host's loopback cannot be reached", ["ECONNREFUSED"], network),
  row("abstract_socket", "an abstract unix socket of the host cannot be reached", ["ECONNREFUSED"], network),
  row("dns", "names cannot be resolved", ["EAI_AGAIN", "ENOTFOUND", "EAI_FAIL"], network),
  row("ipv4", "the internet cannot be reached by IPv4", noRoute, network),
  row("ipv6", "the internet cannot be reached by IPv6", [...noRoute, "EAFNOSUPPORT"], network),
  row("metadata", "the cloud's metadata address cannot be reached", noRoute, network),
  row("user_namespace", "no further user namespace can be made", ["refused"], isolation),
  row("mount", "nothing can be mounted", ["refused"], isolation),
  row("write_outside", "the system cannot be written to", ["EROFS"], namespaces),
  row("daemon", "no process outlives its sandbox", ["gone"], isolation),
  row(
    "forks",
    "1,000 processes cannot be started",
    ["limited"],
    "Limits on processes do not hold here: update util-linux (prlimit) and the kernel (5.14 or newer).",
  ),
  row(
    "engine_socket",
    "the engine uses the model's socket",
    ["works"],
    "This version of the engine ignores ANTHROPIC_UNIX_SOCKET: install the pinned one.",
  ),
];

function row(id: string, title: string, expected: readonly string[], remedy: string): ProbeRow {
  return { id, title, expected, remedy };
}
