import { hasAnyUnseen } from "@feedback-chat/protocol/invisible";

/** Why a new name is refused, or null. Each would be another file, or no file, on somebody's machine. */
export function refusalOfPath(path: string): string | null {
  if (path.startsWith("/")) return "an absolute path";
  for (const segment of path.split("/")) {
    const reason = refusalOfSegment(segment);
    if (reason !== null) return reason;
  }
  return null;
}

/** Two names that a file system without case, or with its own Unicode form, takes for one. */
export function foldPath(path: string): string {
  // Down first: the capital `ẞ` goes up to itself, and would differ from `ß`, `SS` and `ss`.
  return path.normalize("NFKC").toLowerCase().toUpperCase().toLowerCase().normalize("NFKC");
}

// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u001f\u007f-\u009f]/;
const windowsNames = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
/** Names of at most eight characters, `~` and a number: Windows gives such a name to each file with a longer one. */
const shortName = /^(?=[^.]{3,8}(?:\.|$))[^. ]+~\d{1,6}(?:\.[^.]{0,3})?$/;
const gitNames = /^(?:\.git|git~\d+)$/i;

function refusalOfSegment(segment: string): string | null {
  if (segment === "") return "an empty part of a path";
  if (segment === "." || segment === "..") return "a way out of its folder";
  if (segment.includes("\ufffd")) return "a name that is no UTF-8";
  if (control.test(segment)) return "a control character in the name";
  // HFS+ ignores some of them, readers all. A narrow space is no plain one.
  if (hasAnyUnseen(segment) || segment.includes("\u202f"))
    return "an invisible or direction-changing character in the name";
  if (segment.includes("\\") || segment.includes(":")) return "a `\\` or `:` in the name";
  if (/[. ]$/.test(segment)) return "a name that ends with a dot or a space";
  if (windowsNames.test(segment)) return "a name that Windows keeps for itself";
  if (gitNames.test(segment)) return "a name that git keeps for itself";
  if (shortName.test(segment)) return "a short name that Windows gives to another file";
  return null;
}
