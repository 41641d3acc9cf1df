// Writes a .br and a .gz beside every compressible file of dist/: the server sends them as they are.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const COMPRESSIBLE = /\.(html|js|css|svg|json|webmanifest|txt)$/;

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
for (const name of readdirSync(dist, { recursive: true })) {
  if (!COMPRESSIBLE.test(name) || !statSync(dist + name).isFile()) continue;
  const bytes = readFileSync(dist + name);
  const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  writeFileSync(`${dist + name}.br`, brotliCompressSync(bytes, { params: quality }));
  writeFileSync(`${dist + name}.gz`, gzipSync(bytes, { level: 9 }));
}
