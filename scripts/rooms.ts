// The rooms of src/ and who may import whom: the law, and its checker. Also the rule that keeps hidden inputs out. `scripts/run scripts/rooms.ts` checks.

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** A room may import itself and what stands here; what two siblings share moves down a room. Programs and tests may import anything. */
export const ROOMS: Record<string, readonly string[] | 'anything'> = {
  base: [],
  apimachinery: ['base'],
  api: ['base', 'apimachinery'],
  store: ['base'],
  oci: ['base'],
  streams: ['base'],
  netlink: ['base'],
  client: ['base', 'apimachinery', 'api'],
  apiserver: ['base', 'apimachinery', 'api', 'client', 'store', 'streams'],
  controllers: ['base', 'apimachinery', 'api', 'client'],
  scheduler: ['base', 'apimachinery', 'api', 'client'],
  node: ['base', 'apimachinery', 'api', 'client', 'netlink', 'streams'],
  proxy: ['base', 'apimachinery', 'api', 'client', 'netlink'],
  'pod-network': ['base', 'apimachinery', 'api', 'client', 'netlink'],
  // Above the parts of a node, whose remains it clears away, and the images that nodes pull.
  cluster: ['base', 'apimachinery', 'api', 'client', 'netlink', 'oci', 'node'],
  cli: 'anything',
  cmd: 'anything',
  testing: 'anything',
}

/** Pure: no `node:` imports, so that a browser can have them. */
const PURE = ['apimachinery', 'api']
/** Only these may keep an object store open. */
const STORE_USERS = ['store', 'apiserver', 'cmd', 'testing']

/** Time, randomness, the environment and the terminal come in as parameters. */
const HIDDEN_INPUTS: readonly (readonly [string, RegExp])[] = [
  ['Date.now', /\bDate\.now\b/],
  ['new Date()', /\bnew Date\(\)/],
  ['setTimeout', /(?<![.\w])setTimeout\(/],
  ['setInterval', /(?<![.\w])setInterval\(/],
  ['Math.random', /\bMath\.random\b/],
  ['randomUUID', /\brandomUUID\b/],
  ['process.env', /\bprocess\.env\b/],
  ['console', /(?<![.\w])console\./],
]
const MAY_HAVE_INPUTS = ['base', 'cmd', 'testing']

export interface SourceFile {
  /** From the project's root: `src/api/all.ts`. */
  readonly path: string
  readonly text: string
}

/** One line per breach: `src/a/b.ts:3: why`. */
export function breaches(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const [, room = '', ...rest] = file.path.split('/')
    if (rest.length === 0) return [`${file.path}:1: a file of src/ must lie in a room`]
    if (!Object.hasOwn(ROOMS, room)) return [`${file.path}:1: "${room}" is not in the table of rooms`]
    return isTest(file.path) ? testBreaches(file) : [...importBreaches(file, room), ...inputBreaches(file, room)]
  })
}

/** Tests, and what only tests import, may take anything from anywhere. */
function isTest(path: string): boolean {
  return /(\.test|-fixtures)\.ts$|\/(testing|conformance)[-.\w]*\.ts$/.test(path)
}

function testBreaches({ path, text }: SourceFile): string[] {
  return [...lines(text)].flatMap(({ line, number }) =>
    /\b(test|it|describe)\.(only|skip|todo)\(/.test(line)
      ? [`${path}:${number}: tests are neither skipped nor run alone`]
      : [],
  )
}

/** What these two files take from Node.js has to move to `base/node` before a browser imports them (docs/decisions/007). */
const PURE_EXCEPTIONS: Readonly<Record<string, string>> = {
  'src/apimachinery/openapi/documents.ts': 'node:crypto',
  'src/apimachinery/schema-formats.ts': 'node:net',
}

function importBreaches(file: SourceFile, room: string): string[] {
  const allowed = ROOMS[room]
  return importsOf(file).flatMap(({ specifier, number }) => {
    const at = `${file.path}:${number}:`
    if (!specifier.startsWith('.')) {
      const bare = specifier.startsWith('node:') && PURE.includes(room) && PURE_EXCEPTIONS[file.path] !== specifier
      return bare ? [`${at} ${room} is pure and may not import "${specifier}"`] : []
    }
    const target = relative('src', join(dirname(file.path), specifier)).split('/')[0] ?? ''
    if (target === room) return []
    if (target === 'testing') return [`${at} only tests import testing`]
    if (target === 'store' && !STORE_USERS.includes(room)) return [`${at} only the API server touches the store`]
    if (allowed === 'anything' || allowed?.includes(target)) return []
    return [`${at} ${room} may not import ${target}`]
  })
}

function inputBreaches({ path, text }: SourceFile, room: string): string[] {
  if (MAY_HAVE_INPUTS.includes(room)) return []
  return [...lines(text)].flatMap(({ line, number }) => {
    const code = line.replace(/^\s*(\/\/|\*|\/\*\*).*/, '').replace(/\s\/\/ .*$/, '')
    return HIDDEN_INPUTS.filter(([, pattern]) => pattern.test(code)).map(
      ([name]) => `${path}:${number}: ${name} is a hidden input; take it as a parameter`,
    )
  })
}

function* lines(text: string): Generator<{ line: string; number: number }> {
  for (const [index, line] of text.split('\n').entries()) yield { line, number: index + 1 }
}

function importsOf({ text }: SourceFile): { specifier: string; number: number }[] {
  const found: { specifier: string; number: number }[] = []
  for (const match of text.matchAll(/(?:^|\s)(?:from|import)\s*\(?\s*'([^'\n]+)'/g)) {
    const specifier = match[1] ?? ''
    found.push({ specifier, number: text.slice(0, match.index).split('\n').length })
  }
  return found
}

export function readSources(root: string): SourceFile[] {
  return globSync('src/**/*.ts', { cwd: root })
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const root = resolve(fileURLToPath(import.meta.url), '../..')
  const found = breaches(readSources(root))
  for (const line of found) console.error(line)
  process.exitCode = found.length > 0 ? 1 : 0
}
