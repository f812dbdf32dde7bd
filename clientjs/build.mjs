// Builds the package (dist/: modules and declarations) and what the server serves to pages without a build step
// (served/: one ES module, and one script with the global `lockstep`). With --check it only says whether served/ is what
// the sources give.

import { execFileSync } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const check = process.argv.includes("--check");
const entries = ["index", "core", "websocket", "testing", "json-patch", "deltas"];
const common = { absWorkingDir: here, bundle: true, target: "es2022", legalComments: "none", write: !check };

const served = await Promise.all([
  build({ ...common, entryPoints: ["src/index.ts"], format: "esm", minify: true, outfile: "served/client.js" }),
  build({
    ...common,
    entryPoints: ["src/index.ts"],
    format: "iife",
    globalName: "lockstep",
    minify: true,
    outfile: "served/client.iife.js",
  }),
]);

if (check) {
  for (const file of served.flatMap(({ outputFiles }) => outputFiles)) {
    const kept = await readFile(file.path, "utf8").catch(() => "");
    if (kept === file.text) continue;
    console.error(`build: ${file.path.slice(here.length)} is not what the sources give; run npm run build in clientjs`);
    process.exitCode = 1;
  }
} else {
  await rm(new URL("dist", import.meta.url), { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: entries.map((entry) => `src/${entry}.ts`),
    format: "esm",
    splitting: true,
    outdir: "dist",
    chunkNames: "shared-[hash]",
  });
  execFileSync("npx", ["--no-install", "tsc", "-p", "tsconfig.build.json"], { cwd: here, stdio: "inherit" });
}
