/** How one effect ended. `note` says truthfully why nothing had to be, or could be, done. */
export type Delivered =
  | { kind: "done"; note: string | null }
  | { kind: "again"; note: string; retryAfterSeconds: number }
  /** Done for now, and looked at again after exactly so long. */
  | { kind: "once_more"; note: string; afterSeconds: number }
  /** Told to people: it will not happen by itself. */
  | { kind: "hopeless"; note: string };
