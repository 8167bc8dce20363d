import { chownSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { cacheFolders } from "../core/cache-folders.ts";
import { ignoring } from "../platform/ignoring.ts";
import type { SandboxSpec } from "../ports/sandbox.ts";
import type { Layering } from "./find-layering.ts";

/** One layer as a job sees it, and where on the host its writes go. */
export type LayerWalls = {
  number: number;
  host: string;
  inside: string;
  /** Null where there are no overlays: then `caches` are bound over the layer. */
  overlay: { upper: string; work: string; merged: string } | null;
  caches: { host: string; inside: string }[];
};

type Deps = {
  /** In the job's own folder: what is written there counts as the job's, and goes with it. */
  layersFolder: string;
  layering: Layering;
  /** Null unless we are root. */
  owner: number | null;
};

/** Gives each layer of a job its folders when it is first mounted. A later run of the job finds what earlier ones wrote. */
export function openLayerFolders({ layersFolder, layering, owner }: Deps) {
  const known = new Map<string, LayerWalls>();
  const make = (path: string) => {
    mkdirSync(path, { recursive: true });
    if (owner !== null) chownSync(path, owner, owner);
    return path;
  };
  const open = ({ host, inside }: { host: string; inside: string }): LayerWalls => {
    const number = known.size;
    const folder = make(join(layersFolder, String(number)));
    if (layering.way === "overlay") {
      symlinkSync(host, join(folder, "lower"));
      const [upper = "", work = "", merged = ""] = ["upper", "work", "merged"].map((name) => make(join(folder, name)));
      return { number, host, inside, overlay: { upper, work, merged }, caches: [] };
    }
    const names = cacheFolders.filter((name) => isEmptyFolder(join(host, name)));
    const caches = names.map((name) => ({ host: make(join(folder, name)), inside: `${inside}/${name}` }));
    return { number, host, inside, overlay: null, caches };
  };
  return (layers: NonNullable<SandboxSpec["layers"]>): LayerWalls[] =>
    layers.map((layer) => {
      const key = `${layer.host}\0${layer.inside}`;
      const walls = known.get(key) ?? open(layer);
      known.set(key, walls);
      return walls;
    });
}

/** What an install script left in one of them must stay to be seen. */
function isEmptyFolder(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch (error) {
    ignoring("ENOENT", "ENOTDIR")(error);
    return false;
  }
}
