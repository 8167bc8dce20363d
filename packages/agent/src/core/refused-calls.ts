/** Numbers of a system call on the two kinds of processor that we know; null = there is none. */
type Numbers = { x64: number | null; arm64: number | null };
export type Architecture = keyof Numbers;

/**
 * What no build, test or coding agent needs and what ways out are made of. Refused with EPERM, as the kernel does for
 * want of a capability. Numbers from Linux' unistd.h; the same tables stand in every program for ever.
 */
export const refusedCalls = {
  // Mounts, and other views of the file system.
  mount: { x64: 165, arm64: 40 },
  umount2: { x64: 166, arm64: 39 },
  pivot_root: { x64: 155, arm64: 41 },
  chroot: { x64: 161, arm64: 51 },
  open_tree: { x64: 428, arm64: 428 },
  move_mount: { x64: 429, arm64: 429 },
  fsopen: { x64: 430, arm64: 430 },
  fsconfig: { x64: 431, arm64: 431 },
  fsmount: { x64: 432, arm64: 432 },
  fspick: { x64: 433, arm64: 433 },
  mount_setattr: { x64: 442, arm64: 442 },
  name_to_handle_at: { x64: 303, arm64: 264 },
  open_by_handle_at: { x64: 304, arm64: 265 },
  fanotify_init: { x64: 300, arm64: 262 },
  quotactl: { x64: 179, arm64: 60 },
  quotactl_fd: { x64: 443, arm64: 443 },
  // Other namespaces.
  unshare: { x64: 272, arm64: 97 },
  setns: { x64: 308, arm64: 268 },
  // Other processes' memory and descriptors.
  ptrace: { x64: 101, arm64: 117 },
  process_vm_readv: { x64: 310, arm64: 270 },
  process_vm_writev: { x64: 311, arm64: 271 },
  process_madvise: { x64: 440, arm64: 440 },
  kcmp: { x64: 312, arm64: 272 },
  pidfd_getfd: { x64: 438, arm64: 438 },
  move_pages: { x64: 279, arm64: 239 },
  migrate_pages: { x64: 256, arm64: 238 },
  // The kernel's keys, which no namespace separates.
  add_key: { x64: 248, arm64: 217 },
  request_key: { x64: 249, arm64: 218 },
  keyctl: { x64: 250, arm64: 219 },
  // Programs and counters in the kernel; where holes were found again and again.
  bpf: { x64: 321, arm64: 280 },
  perf_event_open: { x64: 298, arm64: 241 },
  userfaultfd: { x64: 323, arm64: 282 },
  lookup_dcookie: { x64: 212, arm64: 18 },
  // The machine itself.
  kexec_load: { x64: 246, arm64: 104 },
  kexec_file_load: { x64: 320, arm64: 294 },
  init_module: { x64: 175, arm64: 105 },
  finit_module: { x64: 313, arm64: 273 },
  delete_module: { x64: 176, arm64: 106 },
  acct: { x64: 163, arm64: 89 },
  swapon: { x64: 167, arm64: 224 },
  swapoff: { x64: 168, arm64: 225 },
  reboot: { x64: 169, arm64: 142 },
  syslog: { x64: 103, arm64: 116 },
  vhangup: { x64: 153, arm64: 58 },
  settimeofday: { x64: 164, arm64: 170 },
  clock_settime: { x64: 227, arm64: 112 },
  sethostname: { x64: 170, arm64: 161 },
  setdomainname: { x64: 171, arm64: 162 },
  // Ports of the processor.
  iopl: { x64: 172, arm64: null },
  ioperm: { x64: 173, arm64: null },
} as const satisfies Record<string, Numbers>;

/** Refused as if the kernel were older, so that programs fall back: clone3's flags lie in memory, where no filter reads. */
export const unknownCalls = {
  clone3: { x64: 435, arm64: 435 },
  io_uring_setup: { x64: 425, arm64: 425 },
  io_uring_enter: { x64: 426, arm64: 426 },
  io_uring_register: { x64: 427, arm64: 427 },
  // Files that are memory, and nobody's: what they hold is in no process's sum.
  memfd_create: { x64: 319, arm64: 279 },
  memfd_secret: { x64: 447, arm64: 447 },
} as const satisfies Record<string, Numbers>;

/** Calls that are judged by an argument. */
export const judgedCalls = {
  clone: { x64: 56, arm64: 220 },
  ioctl: { x64: 16, arm64: 29 },
  personality: { x64: 135, arm64: 92 },
  shmget: { x64: 29, arm64: 194 },
  socket: { x64: 41, arm64: 198 },
} as const satisfies Record<string, Numbers>;

/** mseal: the newest call that somebody looked at. Later ones (a new way to mount among them) do not exist here. */
export const newestCall = 462;

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
export const namespaceFlags = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000] as const;

/** Typing into the terminal that we were started from: TIOCSTI, TIOCLINUX. */
export const refusedIoctls = [0x5412, 0x541c] as const;

/** PER_LINUX, PER_LINUX32, and the question which it is: any other makes addresses foreseeable, or old holes new. */
export const allowedPersonalities = [0, 8, 0xffffffff] as const;

/**
 * Bytes of a shared memory of System V's kind: what it holds is in no process's sum unless it is attached. Databases
 * ask for some 50 of them, to know of each other.
 */
export const maxShmBytes = 0xffff;

/** AF_UNIX, AF_INET, AF_INET6; AF_NETLINK for the list of network interfaces only (protocol 0). */
export const allowedFamilies = [1, 2, 10] as const;
export const netlinkFamily = 16;

export const errors = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;
