// Reading of CRI logs: tails, parts of lines, times, limits, following through a rotation.

import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type LogOptions, readLog } from './reader.ts'
import { rotateLog } from './rotation.ts'

const time = (second: number): string => `2030-01-01T00:00:${String(second).padStart(2, '0')}.000000001Z`
const LOG = [
  `${time(1)} stdout F one`,
  `${time(2)} stderr F two`,
  `${time(3)} stdout P thr`,
  `${time(3)} stdout F ee`,
  `${time(4)} stdout F `,
  `${time(5)} stdout F five`,
  '',
].join('\n')

function logFile(t: TestContext, text = LOG): string {
  const directory = mkdtempSync(join(tmpdir(), 'drover-logs-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const path = join(directory, '0.log')
  writeFileSync(path, text)
  return path
}

const never = new AbortController().signal

async function read(path: string, options: LogOptions): Promise<string> {
  let text = ''
  for await (const chunk of readLog(path, options, { signal: never, ended: never })) text += chunk.toString()
  return text
}

const rows: readonly [name: string, options: LogOptions, text: string][] = [
  ['all of it', {}, 'one\ntwo\nthree\n\nfive\n'],
  ['the last line', { tailLines: 1 }, 'five\n'],
  ['a line in parts counts once', { tailLines: 3 }, 'three\n\nfive\n'],
  ['more than there is', { tailLines: 100 }, 'one\ntwo\nthree\n\nfive\n'],
  ['none', { tailLines: 0 }, ''],
  ['since a moment', { since: Date.parse('2030-01-01T00:00:04Z') }, '\nfive\n'],
  ['a limit of bytes', { limitBytes: 6 }, 'one\ntw'],
  ['with times, once a line', { tailLines: 3, timestamps: true }, `${time(3)} three\n${time(4)} \n${time(5)} five\n`],
  ['one stream', { stream: 'stderr' }, 'two\n'],
]
test('times have nine digits, whatever the runtime left out', async (t) => {
  const short = ['2030-01-01T00:00:01Z stdout F a', '2030-01-01T00:00:02.5+02:00 stdout F b', ''].join('\n')
  assert.equal(
    await read(logFile(t, short), { timestamps: true }),
    '2030-01-01T00:00:01.000000000Z a\n2030-01-01T00:00:02.500000000+02:00 b\n',
  )
})

for (const [name, options, text] of rows)
  test(name, async (t) => {
    assert.equal(await read(logFile(t), options), text)
  })

test('a tail is found across blocks', async (t) => {
  const lines = Array.from({ length: 5000 }, (_, i) => `${time(1)} stdout F line ${i} ${'x'.repeat(i % 90)}`)
  const path = logFile(t, `${lines.join('\n')}\n`)
  for (const tailLines of [1, 999, 4000, 4999, 5000])
    assert.equal((await read(path, { tailLines })).split('\n').length - 1, tailLines)
})

test('what is written later is followed, through a rotation, to the end of the container', async (t) => {
  const path = logFile(t, `${time(1)} stdout F one\n`)
  const ended = new AbortController()
  const lines = readLog(path, { follow: true }, { signal: never, ended: ended.signal })
  const next = async (): Promise<string> => String((await lines.next()).value)
  assert.equal(await next(), 'one\n')
  const second = next()
  appendFileSync(path, `${time(2)} stdout F two\n`)
  assert.equal(await second, 'two\n')
  const third = next()
  renameSync(path, `${path}.old`)
  writeFileSync(path, `${time(3)} stdout F three\n`)
  assert.equal(await third, 'three\n')
  const last = lines.next()
  ended.abort()
  assert.equal((await last).done, true)
})

test('a slow reader misses nothing of a log that is set aside twice, nor what still comes to the old file', async (t) => {
  const path = logFile(t, `${time(1)} stdout F one\n`)
  const ended = new AbortController()
  const lines = readLog(path, { follow: true }, { signal: never, ended: ended.signal })
  assert.equal(String((await lines.next()).value), 'one\n')
  renameSync(path, `${path}.20300101-000001`)
  writeFileSync(path, '')
  // The runtime still had the old file open.
  appendFileSync(`${path}.20300101-000001`, `${time(2)} stdout F two\n`)
  writeFileSync(path, `${time(3)} stdout F three\n`)
  renameSync(path, `${path}.20300101-000002`)
  writeFileSync(path, `${time(4)} stdout F four\n`)
  let text = ''
  ended.abort()
  for await (const chunk of lines) text += chunk.toString()
  assert.equal(text, 'two\nthree\nfour\n')
})

test('a log is set aside when it is large, and the oldest go', async (t) => {
  const path = logFile(t, 'x'.repeat(100))
  const reopened: string[] = []
  const runtime = { reopenContainerLog: async (id: string) => void reopened.push(id) }
  const limits = { maxBytes: 50, maxFiles: 3 }
  for (let i = 0; i < 4; i++) {
    assert.equal(await rotateLog(runtime, { id: 'c', logPath: path }, i * 1000, limits), true)
    writeFileSync(path, 'x'.repeat(100))
  }
  assert.deepEqual(readdirSync(join(path, '..')), ['0.log', '0.log.19700101-000002', '0.log.19700101-000003'])
  assert.equal(reopened.length, 4)
})
