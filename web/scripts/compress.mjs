// Writes a .br and a .gz beside every compressible file of the built pages: the server sends them as they are.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const COMPRESSIBLE = /\.(html|js|css|svg|json|webmanifest|txt)$/;

function compress(file) {
  const bytes = readFileSync(file);
  const quality = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: quality }));
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
}

for (const page of ["dist", "dist-counter"]) {
  const dist = fileURLToPath(new URL(`../${page}/`, import.meta.url));
  for (const name of readdirSync(dist, { recursive: true })) {
    if (COMPRESSIBLE.test(name) && statSync(dist + name).isFile()) compress(dist + name);
  }
}
