import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Everything in files of our own origin: the server's Content-Security-Policy allows nothing inline. */
export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  resolve: { conditions: ["source", "module", "browser"] },
  build: {
    outDir: "../dist/dashboard",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2023",
  },
});
