import { allowedCalls } from "./allowed-calls.ts";
import {
  allowedFamilies,
  allowedPersonalities,
  errors,
  judgedCalls,
  maxShmBytes,
  namespaceFlags,
  netlinkFamily,
  refusedCalls,
  refusedIoctls,
  unknownCalls,
} from "./refused-calls.ts";

type Argument = { index: number; value: number; valueTwo: number; op: `SCMP_CMP_${"MASKED_EQ" | "LE" | "GT"}` };
type Rule = { names: readonly string[]; action: string; errnoRet?: number; args: Argument[] };
export type SeccompProfile = {
  defaultAction: string;
  defaultErrnoRet: number;
  architectures: string[];
  syscalls: Rule[];
};

/**
 * The same filter as `seccompProgram`, as container engines take it (JSON of the OCI's kind). A rule has one
 * comparison an argument, and rules only add up: "all but these" is spelled as the patterns that no value fits.
 */
export function seccompProfile(): SeccompProfile {
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: errors.ENOSYS,
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
    syscalls: [
      allow(allowedCalls),
      refuse(Object.keys(refusedCalls), "EPERM"),
      refuse(Object.keys(unknownCalls), "ENOSYS"),
      ...cloneRules(),
      ...exceptFor(refusedIoctls).map((pattern) => allow([calls.ioctl], [at(1, pattern)])),
      ...refusedIoctls.map((value) => refuse([calls.ioctl], "EPERM", [at(1, exactly(value))])),
      ...allowedPersonalities.map((value) => allow([calls.personality], [at(0, exactly(value))])),
      ...exceptFor(allowedPersonalities).map((pattern) => refuse([calls.personality], "EPERM", [at(0, pattern)])),
      allow([calls.shmget], [{ index: 1, value: maxShmBytes, valueTwo: 0, op: "SCMP_CMP_LE" }]),
      refuse([calls.shmget], "EPERM", [{ index: 1, value: maxShmBytes, valueTwo: 0, op: "SCMP_CMP_GT" }]),
      ...socketRules(),
    ],
  };
}

type Pattern = { mask: number; value: number };
const wholeWord = 0xffffffff;
const calls = Object.fromEntries(Object.keys(judgedCalls).map((name) => [name, name])) as {
  [Name in keyof typeof judgedCalls]: Name;
};

function cloneRules(): Rule[] {
  const all = namespaceFlags.reduce((sum, flag) => (sum | flag) >>> 0, 0);
  return [
    allow([calls.clone], [at(0, { mask: all, value: 0 })]),
    ...namespaceFlags.map((flag) => refuse([calls.clone], "EPERM", [at(0, { mask: flag, value: flag })])),
  ];
}

function socketRules(): Rule[] {
  const netlink = at(0, exactly(netlinkFamily));
  return [
    ...allowedFamilies.map((family) => allow([calls.socket], [at(0, exactly(family))])),
    allow([calls.socket], [netlink, at(2, exactly(0))]),
    ...exceptFor([0]).map((pattern) => refuse([calls.socket], "EAFNOSUPPORT", [netlink, at(2, pattern)])),
    ...exceptFor([...allowedFamilies, netlinkFamily]).map((pattern) =>
      refuse([calls.socket], "EAFNOSUPPORT", [at(0, pattern)]),
    ),
  ];
}

/** Only the half of the register that the kernel looks at: bits above it would make another number of the same call. */
function exactly(value: number): Pattern {
  return { mask: wholeWord, value };
}

/** Patterns of which each other 32-bit value fits exactly one: where its first bits leave those of every value. */
function exceptFor(values: readonly number[]): Pattern[] {
  const patterns: Pattern[] = [];
  for (let bit = 31; bit >= 0; bit--) {
    const above = bit === 31 ? 0 : (wholeWord << (bit + 1)) >>> 0;
    const mask = (above | (1 << bit)) >>> 0;
    const taken = new Set(values.map((value) => (value & mask) >>> 0));
    for (const prefix of new Set(values.map((value) => (value & above) >>> 0)))
      for (const next of [prefix, (prefix | (1 << bit)) >>> 0])
        if (!taken.has(next)) patterns.push({ mask, value: next });
  }
  return patterns;
}

function at(index: number, { mask, value }: Pattern): Argument {
  return { index, value: mask, valueTwo: value, op: "SCMP_CMP_MASKED_EQ" };
}

function allow(names: readonly string[], args: Argument[] = []): Rule {
  return { names, action: "SCMP_ACT_ALLOW", args };
}

function refuse(names: readonly string[], error: keyof typeof errors, args: Argument[] = []): Rule {
  return { names, action: "SCMP_ACT_ERRNO", errnoRet: errors[error], args };
}
