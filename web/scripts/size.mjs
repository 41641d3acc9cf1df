// Fails when what a first visit to a page loads, apart from the board, is over its budget. Counted
// as gzip, the larger of the two compressions; pictures as they are.
import { existsSync, readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BUDGETS_BYTES = { dist: 60_000, "dist-counter": 22_000 };
const LATER = /^icon-(maskable-)?\d+\.png$/; // fetched only to install

function sizeOf(page) {
  const dist = fileURLToPath(new URL(`../${page}/`, import.meta.url));
  if (!existsSync(dist)) throw new Error("nothing is built: npm run build");
  let total = 0;
  for (const name of readdirSync(dist, { recursive: true }).sort()) {
    if (!statSync(dist + name).isFile() || /\.(br|gz)$/.test(name) || LATER.test(name)) continue;
    const packed = `${dist + name}.gz`;
    const { size } = statSync(existsSync(packed) ? packed : dist + name);
    console.log(String(size).padStart(7), `${page}/${name}`);
    total += size;
  }
  return total;
}

for (const [page, budget] of Object.entries(BUDGETS_BYTES)) {
  const total = sizeOf(page);
  console.log(String(total).padStart(7), `of ${budget}`);
  if (total > budget) {
    console.error(`The first load of ${page} is over its budget.`);
    process.exitCode = 1;
  }
}
