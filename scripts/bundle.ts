// Writes the program as a few files instead of seven hundred, which a process loads in half the time; run by setup. `./drover` uses them as long as no source is newer.

import { createHash } from 'node:crypto'
import {
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const cache = join(root, '.cache')
/** Two levels below the root, as `src/cmd` is: what is found from the program's own place is found from here too. */
const current = join(cache, 'bundle')
const building = join(cache, `bundle.${process.pid}`)

/** Packages that are not in the bundle: lmdb finds its native part beside itself. */
const OUTSIDE = ['lmdb']
/** CommonJS packages within the bundle ask for Node's own modules in their way. */
const REQUIRE = `import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);`

/**
 * `node:http`, loaded when it is used: whoever imports it has Node load a whole web client with it (`http.WebSocket`), a tenth of the start of a server,
 * which itself speaks HTTPS and HTTP/2 only. A name that is missing here fails the build.
 */
const LATE_HTTP = `
const http = () => process.getBuiltinModule('node:http')
export const createServer = (...args) => http().createServer(...args)
export const request = (...args) => http().request(...args)
export const STATUS_CODES = new Proxy({}, { get: (_, code) => http().STATUS_CODES[code] })
`

const lateHttp: Plugin = {
  name: 'late-http',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?http$/ }, () => ({ path: 'http', namespace: 'late' }))
    onLoad({ filter: /.*/, namespace: 'late' }, () => ({ contents: LATE_HTTP }))
  },
}

/** The files that the program reads from beside its modules. */
const assets = (): string[] => globSync('src/**/*.sh', { cwd: root })

async function write(): Promise<void> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['src/cmd/drover.ts'],
    outdir: building,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    external: OUTSIDE,
    plugins: [lateHttp],
    metafile: true,
    // What its package offers to Node is CommonJS; this is the same as modules.
    alias: { yaml: './node_modules/yaml/browser/index.js' },
    banner: { js: REQUIRE },
    // Names stay, for stack traces; what goes is text that every process would hold in memory.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
  })
  refuseLateCommonJs(metafile)
  for (const asset of assets()) copyFileSync(join(root, asset), join(building, basename(asset)))
}

/** The names of a CommonJS package that is imported late are lost in a bundle: it would fail when it is used, not here. */
function refuseLateCommonJs({ inputs }: Metafile): void {
  for (const [file, { imports }] of Object.entries(inputs))
    for (const { kind, path } of imports)
      if (kind === 'dynamic-import' && inputs[path]?.format === 'cjs')
        throw new Error(`${file} imports ${path}, which is CommonJS, late: import it at once, or find its modules`)
}

function digest(directory: string): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(directory).sort()) hash.update(name).update(readFileSync(join(directory, name)))
  return hash.digest('hex').slice(0, 12)
}

/** Bundles that some process runs: it may load a part of its own later. */
function running(): Set<string> {
  const commands = globSync('/proc/[0-9]*/cmdline').map((file) => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return ''
    }
  })
  return new Set(commands.flatMap((command) => command.match(/bundle-[0-9a-f]{12}/g) ?? []))
}

const began = new Date()
mkdirSync(cache, { recursive: true })
try {
  await write()
  const name = `bundle-${digest(building)}`
  const kept = join(cache, name)
  if (!existsSync(kept)) renameSync(building, kept)
  // A source that is saved while this runs is newer.
  utimesSync(join(kept, 'drover.js'), began, began)
  const link = `${building}.link`
  symlinkSync(name, link)
  renameSync(link, current)
  const inUse = running().add(readlinkSync(current))
  for (const old of readdirSync(cache).filter((entry) => /^bundle-[0-9a-f]{12}$/.test(entry)))
    if (!inUse.has(old)) rmSync(join(cache, old), { recursive: true })
} finally {
  rmSync(building, { recursive: true, force: true })
}
