import {
  allowedFamilies,
  allowedPersonalities,
  type Architecture,
  errors,
  judgedCalls,
  maxShmBytes,
  namespaceFlags,
  netlinkFamily,
  newestCall,
  refusedCalls,
  refusedIoctls,
  unknownCalls,
} from "./refused-calls.ts";

/** One step of the kernel's filter machine: what to do, where to go on if it holds and if not, a constant. */
type Step = readonly [code: number, ifTrue: number, ifFalse: number, constant: number];

/** AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64: a call in another dialect of the processor has other numbers. */
const audited = { x64: 0xc000003e, arm64: 0xc00000b7 } as const;

/** Where the machine finds them: struct seccomp_data, little endian; of arguments the half that the kernel looks at, or both. */
const at = { number: 0, architecture: 4, first: 16, second: 24, secondUpper: 28, third: 32 } as const;

const load = (offset: number): Step => [0x20, 0, 0, offset];
const answer = (action: number): Step => [0x06, 0, 0, action];
const allow = answer(0x7fff0000);
const refuse = (error: keyof typeof errors): Step => answer(0x00050000 | errors[error]);
/** The next step only if it is equal (greater, has one of the bits); else one `over`. */
const ifEqual = (constant: number, over = 1): Step => [0x15, 0, over, constant];
const ifGreater = (constant: number): Step => [0x25, 0, 1, constant];
const ifAnyBit = (constant: number): Step => [0x45, 0, 1, constant];

export function isKnownArchitecture(name: string): name is Architecture {
  return name === "x64" || name === "arm64";
}

/**
 * The filter as bubblewrap takes it: an array of struct sock_filter. Everything that a build needs passes; what
 * `refused-calls.ts` names gets an error that programs know how to live with.
 */
export function seccompProgram(architecture: Architecture): Uint8Array {
  const judged = (call: keyof typeof judgedCalls, steps: Step[]) => [
    ifEqual(judgedCalls[call][architecture], steps.length),
    ...steps,
  ];
  const program: Step[] = [
    load(at.architecture),
    [0x15, 1, 0, audited[architecture]],
    refuse("ENOSYS"),
    load(at.number),
    ifGreater(newestCall), // and x32's numbers, which start at 2^30
    refuse("ENOSYS"),
    ...each(refusedCalls, architecture, "EPERM"),
    ...each(unknownCalls, architecture, "ENOSYS"),
    ...judged("clone", [
      load(at.first),
      ifAnyBit(namespaceFlags.reduce((all, flag) => all | flag, 0)),
      refuse("EPERM"),
      allow,
    ]),
    ...judged("ioctl", [
      load(at.second),
      ...refusedIoctls.flatMap((value) => [ifEqual(value), refuse("EPERM")]),
      allow,
    ]),
    ...judged("personality", [
      load(at.first),
      ...allowedPersonalities.flatMap((value) => [ifEqual(value), allow]),
      refuse("EPERM"),
    ]),
    ...judged("shmget", [
      load(at.second),
      ifGreater(maxShmBytes),
      refuse("EPERM"),
      load(at.secondUpper),
      ifGreater(0),
      refuse("EPERM"),
      allow,
    ]),
    ...judged("socket", [
      load(at.first),
      ...allowedFamilies.flatMap((value) => [ifEqual(value), allow]),
      ifEqual(netlinkFamily, 3),
      load(at.third),
      ifEqual(0),
      allow,
      refuse("EAFNOSUPPORT"),
    ]),
    allow,
  ];
  return encode(program);
}

function each(
  calls: Record<string, { x64: number | null; arm64: number | null }>,
  architecture: Architecture,
  error: keyof typeof errors,
): Step[] {
  return Object.values(calls).flatMap((numbers) => {
    const number = numbers[architecture];
    return number === null ? [] : [ifEqual(number), refuse(error)];
  });
}

function encode(program: Step[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, [code, ifTrue, ifFalse, constant]] of program.entries()) {
    bytes.setUint16(index * 8, code, true);
    bytes.setUint8(index * 8 + 2, ifTrue);
    bytes.setUint8(index * 8 + 3, ifFalse);
    bytes.setUint32(index * 8 + 4, constant >>> 0, true);
  }
  return new Uint8Array(bytes.buffer);
}
