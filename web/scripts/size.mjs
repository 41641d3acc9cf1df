// Fails when what a first visit loads, apart from the board, is over its budget. Counted as gzip,
// the larger of the two compressions; pictures as they are.
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BUDGET_BYTES = 60_000;
const LATER = /^icon-(maskable-)?\d+\.png$/; // fetched only to install

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
if (!existsSync(dist)) throw new Error("nothing is built: npm run build");
let total = 0;
for (const name of readdirSync(dist, { recursive: true }).sort()) {
  if (!statSync(dist + name).isFile() || /\.(br|gz)$/.test(name) || LATER.test(name)) continue;
  const packed = `${dist + name}.gz`;
  const { size } = statSync(existsSync(packed) ? packed : dist + name);
  console.log(String(size).padStart(7), name);
  total += size;
}
console.log(String(total).padStart(7), `of ${BUDGET_BYTES}`);
if (total > BUDGET_BYTES) {
  console.error("The first load is over its budget.");
  process.exit(1);
}
