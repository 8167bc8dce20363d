import { defineConfig, type Options } from "tsup";

const common: Options = {
  format: "esm",
  outDir: "dist",
  dts: false,
  minify: true,
  esbuildOptions(options) {
    options.conditions = ["source"];
    options.legalComments = "none";
  },
};

/**
 * Everything is bundled: the published package has no production dependency. `bin.js` stands alone and must parse on
 * Node 12, where all it does is say which Node is needed; it imports `main.js`, whose commands are chunks loaded late.
 */
export default defineConfig([
  {
    ...common,
    entry: { bin: "src/bin.ts" },
    target: "node12.20",
    splitting: false,
    esbuildPlugins: [
      {
        name: "main-stays-a-file",
        setup(build) {
          build.onResolve({ filter: /^\.\/main\.[jt]s$/ }, () => ({
            path: "./main.js",
            external: true,
          }));
        },
      },
    ],
  },
  {
    ...common,
    entry: { main: "src/main.ts" },
    target: "node22",
    splitting: true,
    noExternal: [/^(?!node:)/],
    external: [/^@feedback-chat\/(agent|control-plane|demo)/],
    // CommonJS inside the bundle calls require() for node's own modules
    banner: {
      js: 'import{createRequire as __cr}from"node:module";const require=__cr(import.meta.url);',
    },
  },
]);
