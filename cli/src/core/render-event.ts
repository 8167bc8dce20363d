/** A part's log event as one line for people: time, name, and its fields as `name=value`. */
export function renderEvent(event: { event: string } & Record<string, unknown>): string {
  const { event: name, at, level, ...fields } = event;
  const time = typeof at === "string" ? `${at.slice(11, 19)} ` : "";
  const told = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined);
  return `${time}${isTrouble(level) ? `${level} ` : ""}${[name, ...told.map(renderField)].join(" ")}`;
}

function isTrouble(level: unknown): level is string {
  return level === "warn" || level === "error";
}

function renderField([name, value]: [string, unknown]): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return `${name}=${/\s/.test(text) ? JSON.stringify(text) : text}`;
}
