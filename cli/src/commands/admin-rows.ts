import type { CommandRow } from "../command.ts";

const options = [
  ["--data <folder>", "the embedded database's folder; default: DATABASE_URL, else the one of `up`"],
  ["--offline", "never fetch a missing part"],
] as const;

/** What an operator does beside a running control plane, or before one starts. */
export const adminRows: CommandRow[] = [
  {
    name: "admin backup",
    summary: "a consistent copy of the database, without the master key, into a file",
    arguments: "<file>",
    options,
    load: () => import("./admin-backup.ts"),
  },
  {
    name: "admin restore",
    summary: "such a copy into an empty database",
    arguments: "<file>",
    options,
    load: () => import("./admin-restore.ts"),
  },
  {
    name: "admin move",
    summary: "everything from the embedded database to the empty server in DATABASE_URL",
    options,
    load: () => import("./admin-move.ts"),
  },
];
