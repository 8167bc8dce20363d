import { opendir } from "node:fs/promises";
import { ignoring } from "../platform/ignoring.ts";
import { placeBelow } from "./read-folder.ts";

const most = 10_000;

/** Counts files up to a limit; what is ignored is not looked at, nor what no call can name any more. */
export async function countFiles(folder: Buffer): Promise<number> {
  let [count, looked] = [0, 0];
  const folders = [folder];
  for (let place = folders.pop(); place && looked < most; place = folders.pop()) {
    looked++;
    const options = { encoding: "buffer" as BufferEncoding, bufferSize: 256 }; // names are bytes
    const entries = await opendir(place, options).catch(ignoring("ENAMETOOLONG", "EACCES"));
    for await (const entry of entries ?? []) {
      if (!entry.isDirectory()) count++;
      else if (folders.length < most)
        folders.push(placeBelow(place, (entry.name as unknown as Buffer).toString("latin1")));
      if (count === most) return count;
    }
  }
  return count;
}
