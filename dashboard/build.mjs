// Builds dist/: hashed assets, index.html that names them, and .br/.gz siblings for the gateway to serve.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { minify } from 'terser';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const assets = join(dist, 'assets');

const common = {
  bundle: true,
  minify: true,
  target: 'es2022',
  outdir: assets,
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  assetNames: '[name]-[hash]',
  loader: { '.woff2': 'file' },
  define: { 'process.env.NODE_ENV': '"production"' },
  legalComments: 'none', // licences.txt has them all
  metafile: true,
  absWorkingDir: here,
  logLevel: 'warning',
};

function outputOf(result, entry) {
  const [path] = Object.entries(result.metafile.outputs).find(([, o]) => o.entryPoint === entry);
  return basename(path);
}

async function hashedCopy(file) {
  const bytes = await readFile(join(here, file));
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase();
  const name = file.replace('.', `-${hash}.`);
  await writeFile(join(assets, name), bytes);
  return name;
}

async function licences(...results) {
  const packages = new Set();
  for (const { metafile } of results)
    for (const input of Object.keys(metafile.inputs)) {
      const found = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input);
      if (found) packages.add(found[1]);
    }
  const parts = [];
  for (const name of [...packages].sort()) {
    const folder = join(here, 'node_modules', name);
    const { version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((f) => /^licen[cs]e/i.test(f));
    const notice = name === 'lightweight-charts'
      ? 'TradingView Lightweight Charts™\nCopyright (c) 2025 TradingView, Inc. https://www.tradingview.com/\n\n' : '';
    parts.push(`${name} ${version} (${license})\n\n${notice}${file ? await readFile(join(folder, file), 'utf8') : ''}`);
  }
  return `What this page is built with.\n\n${parts.join(`\n${'='.repeat(80)}\n\n`)}`;
}

/** What esbuild has bundled, a few percent smaller: it prints what libraries had minified themselves anew, and larger. */
// (Reading a signal is an effect: pure_getters would lose it.)
async function squeeze(folder) {
  for (const file of (await readdir(folder)).filter((f) => f.endsWith('.js'))) {
    const path = join(folder, file);
    const module = !file.startsWith('worker');
    const { code } = await minify(await readFile(path, 'utf8'), { module, ecma: 2022, compress: { passes: 2, keep_fargs: false, inline: 1 } });
    await writeFile(path, code);
  }
}

async function compress(folder) {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await compress(path);
    else if (/\.(js|css|html|svg|txt)$/.test(entry.name)) {
      const bytes = await readFile(path);
      await writeFile(path + '.gz', gzipSync(bytes, { level: 9 }));
      await writeFile(path + '.br', brotliCompressSync(bytes, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
      }));
    }
  }
}

await rm(dist, { recursive: true, force: true });
await mkdir(assets, { recursive: true });

const WORKER = 'src/worker/main.ts';
const PAGE = 'src/ui/main.tsx';
const CSS = 'src/ui/styles.css';
const LATER_CSS = 'src/ui/extras.css';
const css = await build({ ...common, entryPoints: { page: CSS, extras: LATER_CSS } });
const worker = await build({ ...common, entryPoints: { worker: WORKER }, format: 'iife' });
const page = await build({
  ...common,
  entryPoints: { page: PAGE },
  format: 'esm',
  splitting: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  define: { ...common.define, WORKER_FILE: JSON.stringify('./' + outputOf(worker, WORKER)), EXTRAS_CSS: JSON.stringify('./' + outputOf(css, LATER_CSS)) },
});

// what the page's own file imports, named in the page so that it is not found out step by step
const preloads = page.metafile.outputs[`dist/assets/${outputOf(page, PAGE)}`].imports
  .filter(({ kind }) => kind === 'import-statement')
  .map(({ path }) => `<link rel="modulepreload" href="assets/${basename(path)}">`);
const names = { js: outputOf(page, PAGE), css: outputOf(css, CSS), icon: await hashedCopy('icon.svg') };
const html = await readFile(join(here, 'index.html'), 'utf8');
await writeFile(join(dist, 'index.html'), html
  .replace('{{preloads}}', preloads.join('\n'))
  .replace(/\{\{(\w+)\}\}/g, (_, name) => `assets/${names[name]}`));
await writeFile(join(dist, 'licences.txt'), await licences(worker, page, css));
await squeeze(assets);
await compress(dist);
