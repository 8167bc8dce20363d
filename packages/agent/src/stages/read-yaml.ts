import { parse, YAMLParseError } from "yaml";

/** The value of a YAML text; undefined when it is none. */
export function yamlOf(text: string): unknown {
  try {
    return parse(text, { logLevel: "error" });
  } catch (error) {
    if (error instanceof YAMLParseError) return undefined;
    throw error;
  }
}
