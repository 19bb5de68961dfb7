// The checker of the rooms' law finds what it forbids, and only that.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { breaches } from './rooms.ts'

const cases: Record<string, [path: string, text: string, want: string[]]> = {
  'a room may import below': ['src/api/a.ts', "import { x } from '../apimachinery/b.ts'\n", []],
  'a room may import itself': ['src/api/core/a.ts', "import { x } from '../b.ts'\n", []],
  'siblings may not': [
    'src/proxy/a.ts',
    "import type { X } from '../node/b.ts'\n",
    ['src/proxy/a.ts:1: proxy may not import node'],
  ],
  'nor upwards, also when imported later': [
    'src/base/a.ts',
    "const x = 1\nconst y = await import('../client/b.ts')\n",
    ['src/base/a.ts:2: base may not import client'],
  ],
  'nobody but the API server touches the store': [
    'src/cli/a.ts',
    "import { open } from '../store/store.ts'\n",
    ['src/cli/a.ts:1: only the API server touches the store'],
  ],
  'a pure room has no node: imports': [
    'src/apimachinery/a.ts',
    "import { x } from 'node:fs'\n",
    ['src/apimachinery/a.ts:1: apimachinery is pure and may not import "node:fs"'],
  ],
  'a hidden input is found': [
    'src/client/a.ts',
    'const t = Date.now()\n',
    ['src/client/a.ts:1: Date.now is a hidden input; take it as a parameter'],
  ],
  'a hidden input in a comment is none': ['src/client/a.ts', '// not Date.now()\nx() // nor Math.random\n', []],
  'base may have them': ['src/base/a.ts', 'const t = Date.now()\n', []],
  'tests may import anything but are never skipped': [
    'src/api/a.test.ts',
    "import { x } from '../testing/b.ts'\ntest.skip('x')\n",
    ['src/api/a.test.ts:2: tests are neither skipped nor run alone'],
  ],
  'a room that is not in the table is refused': [
    'src/attic/a.ts',
    '',
    ['src/attic/a.ts:1: "attic" is not in the table of rooms'],
  ],
}

describe('breaches()', () => {
  for (const [name, [path, text, want]] of Object.entries(cases))
    test(name, () => assert.deepEqual(breaches([{ path, text }]), want))
})
