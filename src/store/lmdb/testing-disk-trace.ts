// What a writing process asks of the disk, call by call and byte by byte, as strace saw it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'

/** An acknowledgement as the writer prints it. */
export interface Acknowledged {
  key: string
  revision: number
  createRevision: number
}

/** `start` and `end` are places in the trace: where the call began, and where the kernel had answered it. */
export type DiskEvent =
  | { do: 'write'; start: number; end: number; offset: number; data: Buffer; synced: boolean }
  | { do: 'sync'; start: number; end: number }
  | { do: 'acknowledge'; start: number; end: number; said: Acknowledged }

const CALLS = 'openat,close,lseek,pwrite64,pwritev,pwritev2,writev,write,fdatasync,fsync,msync,ftruncate,fallocate,mmap'
const STDOUT = '1'
/** Longer than any value that the writer writes: what strace cuts would be lost. */
const MAX_TRACED_BYTES = 8 * 1024 * 1024
const program = new URL('./testing-writer.ts', import.meta.url).pathname

/** Runs the writer under strace until it has acknowledged so many writes, and kills it. Needs strace, which `make setup` installs. */
export async function traceWriter(
  directory: string,
  { seed, writes, log }: { seed: number; writes: number; log: string },
): Promise<DiskEvent[]> {
  const tracing = [
    '-f',
    '-xx',
    '--seccomp-bpf',
    '-s',
    String(MAX_TRACED_BYTES),
    '-e',
    `trace=${CALLS}`,
    '-e',
    'signal=none',
  ]
  const args = [...tracing, '-o', log, process.execPath, program, directory, String(seed)]
  const child = spawn('strace', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let lines = 0
  let closed = false
  for await (const _line of createInterface(child.stdout)) {
    // The writer ends when its input does; killing strace would leave it behind.
    if (++lines <= writes || closed) continue
    closed = true
    child.stdin.end()
  }
  await exited
  const text = await readFile(log, 'latin1')
  await rm(log)
  return readTrace(text, `${directory}/store.mdb`)
}

interface Call {
  name: string
  args: string
  result: number
  start: number
  end: number
}

/** Throws when the file is changed in a way that this reading of the trace does not know: it would not be the whole truth. */
export function readTrace(text: string, path: string): DiskEvent[] {
  const files = new Map<string, { synced: boolean }>()
  const positions = new Map<string, number>()
  const events: DiskEvent[] = []
  for (const call of callsOf(text)) {
    const [descriptor = ''] = call.args.split(/[,)]/, 1)
    if (call.name === 'openat') {
      const file = String(call.result)
      if (stringsOf(call.args)[0]?.toString() === path) files.set(file, { synced: call.args.includes('O_DSYNC') })
      else files.delete(file)
    } else if (call.name === 'close') files.delete(descriptor)
    else if (call.name === 'write' && descriptor === STDOUT) events.push(...acknowledgements(call))
    else if (call.name === 'mmap') refuseWritableMap(call, files)
    else if (call.name === 'lseek') positions.set(descriptor, call.result)
    else {
      const file = files.get(descriptor)
      if (file) events.push(changeOf(call, file.synced, positions.get(descriptor) ?? Number.NaN))
    }
  }
  return events
}

function changeOf(call: Call, synced: boolean, position: number): DiskEvent {
  const { name, args, start, end } = call
  if (name === 'fdatasync' || name === 'fsync') return { do: 'sync', start, end }
  const data = Buffer.concat(stringsOf(args))
  const offset = name === 'writev' ? position : Number(/, (\d+)\)?$/.exec(args)?.[1])
  const known = (name === 'writev' || name === 'pwrite64') && Number.isSafeInteger(offset)
  assert.ok(known, `the trace has a ${name} that is not understood`)
  // A process that is killed in the middle of a call has no result for it.
  assert.ok(
    call.result === data.length || Number.isNaN(call.result),
    `a ${name} of ${data.length} wrote ${call.result}`,
  )
  return { do: 'write', start, end, offset, data, synced }
}

function refuseWritableMap({ args }: Call, files: ReadonlyMap<string, unknown>): void {
  const [, , protection = '', flags = '', file = ''] = args.split(', ')
  const writable = files.has(file) && protection.includes('PROT_WRITE') && flags.includes('MAP_SHARED')
  assert.ok(!writable, 'the store is written through memory, which strace does not see')
}

function* acknowledgements({ args, start, end }: Call): Iterable<DiskEvent> {
  for (const line of Buffer.concat(stringsOf(args)).toString().trim().split('\n')) {
    const said: Acknowledged | { opened: number } = JSON.parse(line)
    if ('key' in said) yield { do: 'acknowledge', start, end, said }
  }
}

/** Puts together what strace tells in two lines when another thread came between. */
function* callsOf(text: string): Iterable<Call> {
  const open = new Map<string, Call>()
  const calls: Call[] = []
  for (const [index, line] of text.split('\n').entries()) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? []
    const resumed = /^<\.\.\. \w+ resumed>(.*)\) += (-?\w+)/.exec(rest)
    const begun = open.get(thread)
    if (resumed && begun) {
      begun.args += resumed[1] ?? ''
      begun.result = Number(resumed[2])
      begun.end = index
      open.delete(thread)
      continue
    }
    const name = /^\w+(?=\()/.exec(rest)?.[0]
    if (name === undefined) continue
    const call = {
      name,
      args: rest.slice(name.length + 1),
      result: Number.NaN,
      start: index,
      end: Number.POSITIVE_INFINITY,
    }
    calls.push(call)
    if (call.args.endsWith(' <unfinished ...>')) {
      call.args = call.args.slice(0, -' <unfinished ...>'.length)
      open.set(thread, call)
      continue
    }
    const close = call.args.lastIndexOf(')')
    call.result = Number(/^\) += (-?\w+)/.exec(call.args.slice(close))?.[1])
    call.args = call.args.slice(0, close)
    call.end = index
  }
  yield* calls
}

function stringsOf(args: string): Buffer[] {
  return [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?/g)].map(([, hex = '', cut]) => {
    assert.equal(cut, undefined, 'strace has cut what was written')
    return Buffer.from(hex.replaceAll('\\x', ''), 'hex')
  })
}
