// How the counter's page is built (web/dist-counter); `npm run dev:counter` talks to a server on
// port 8000.
import { fileURLToPath } from "node:url";
import { mergeConfig } from "vitest/config";
import shared from "../vite.config";

const web = fileURLToPath(new URL("..", import.meta.url));

export default mergeConfig(shared, {
  root: `${web}counter`,
  build: { outDir: `${web}dist-counter`, emptyOutDir: true },
  server: { fs: { allow: [web] } },
});
