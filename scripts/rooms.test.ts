import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { brokenRules } from './rooms.ts'

function tree(files: Readonly<Record<string, string>>): Disposable & { root: string } {
  const root = mkdtempSync(join(tmpdir(), 'drover-rooms-'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
}

const cases: Readonly<Record<string, [file: string, text: string, want: string | undefined]>> = {
  'a room may import what is below it': ['src/client/a.ts', "import { x } from '../api/x.ts'", undefined],
  'a room may not import what is above it': [
    'src/base/a.ts',
    "import { x } from '../api/x.ts'",
    'src/base/a.ts: base/ may not import api/ (../api/x.ts)',
  ],
  'siblings do not import siblings': [
    'src/proxy/a.ts',
    "import { x } from '../node/x.ts'",
    'src/proxy/a.ts: proxy/ may not import node/ (../node/x.ts)',
  ],
  'a late import is an import': [
    'src/scheduler/a.ts',
    "await import('../store/x.ts')",
    'src/scheduler/a.ts: scheduler/ may not import store/ (../store/x.ts)',
  ],
  'a pure room knows no Node.js': [
    'src/api/a.ts',
    "import { x } from 'node:fs'",
    'src/api/a.ts: a pure room imports node:fs',
  ],
  'production code does not import the test rooms': [
    'src/node/a.ts',
    "import { x } from '../testing/x.ts'",
    'src/node/a.ts: imports testing/, which is for tests',
  ],
  'time comes in as a parameter': [
    'src/proxy/a.ts',
    'const t = Date.now()',
    'src/proxy/a.ts:1: uses Date.now; take a Clock, a Random or a Logger instead',
  ],
  'the composition root reads the environment': ['src/cmd/a.ts', "process.env['X']", undefined],
  'tests may do as they need': ['src/proxy/a.test.ts', "import { x } from '../testing/x.ts'", undefined],
  'every room is in the table': ['src/utils/a.ts', '', 'src/utils/a.ts: the room "utils" is not in scripts/rooms.ts'],
}
for (const [name, [file, text, want]] of Object.entries(cases)) {
  test(`rooms: ${name}`, () => {
    using made = tree({ [file]: text })
    assert.deepEqual(brokenRules(made.root), want === undefined ? [] : [want])
  })
}
