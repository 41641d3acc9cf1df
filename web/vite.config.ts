// How Pixel Battle's page is built (web/dist), and how both pages are tested; `npm run dev` talks
// to a server on port 8000.
import { defineConfig } from "vitest/config";

const server = process.env.PIXEL_BATTLE_URL ?? "http://localhost:8000";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2020",
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      "/api": { target: server, changeOrigin: true },
      "/ws": { target: server, changeOrigin: true, ws: true, rewriteWsOrigin: true },
    },
  },
  test: { include: ["tests/**/*.test.ts", "counter/tests/**/*.test.ts"], environment: "node" },
});
