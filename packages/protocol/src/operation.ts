import type * as z from "zod";

/** One route as its clients see it; `operations.ts` holds them all, made from the server's table of routes. */
export type Operation = {
  method: "get" | "post" | "put" | "patch" | "delete";
  path: string;
  query: readonly string[];
  /** Null: without a body, or with raw bytes. */
  body: z.ZodType | null;
  /** Null: none, or a stream, or raw bytes. */
  answer: z.ZodType | null;
  /** Its `Idempotency-Key` makes a repeat give the first answer again. */
  isCreating: boolean;
};

type ParamsOf<Path extends string> = Path extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer After}`
    ? Name | ParamsOf<`/${After}`>
    : Rest
  : never;
type Query<Name extends string> = { readonly [name in Name]?: string | number | boolean | undefined };

/** What a call of this operation has to say: nothing that the route does not know, all that it needs. */
export type InputOf<O extends Operation> = ([ParamsOf<O["path"]>] extends [never]
  ? unknown
  : { params: Record<ParamsOf<O["path"]>, string> }) &
  ([O["query"][number]] extends [never] ? unknown : { query?: Query<O["query"][number]> }) &
  (O["body"] extends z.ZodType ? { body: z.input<O["body"]> } : unknown);

/** A call's arguments: operations without parameters and body are called without any. */
export type ArgumentsOf<O extends Operation> =
  unknown extends InputOf<O> ? [] : object extends InputOf<O> ? [input?: InputOf<O>] : [input: InputOf<O>];

export type AnswerOf<O extends Operation> = O["answer"] extends z.ZodType ? z.output<O["answer"]> : undefined;

/** The path with its parameters and query filled in, for any client. */
export function addressOf<O extends Operation>(operation: O, ...[input]: ArgumentsOf<O>): string {
  const { params = {}, query = {} } = (input ?? {}) as {
    params?: Record<string, string>;
    query?: Record<string, string | number | boolean | undefined>;
  };
  const path = operation.path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return given.length === 0 ? path : `${path}?${given.join("&")}`;
}
