// kubectl exec, attach, run and cp: bytes both ways, exit codes, terminals and their sizes.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { noise } from './bytes.ts'
import { allReady, IDLE, type isReady, pod, shell } from './pods.ts'
import type { Session } from './session.ts'

const MEBIBYTE = 1 << 20
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

export async function exec(session: Session): Promise<void> {
  const { ok, fails, apply, until, start, version } = session
  await apply(
    pod(
      'tool',
      [
        { name: 'main', command: IDLE },
        { name: 'ended', command: ['true'] },
      ],
      { restartPolicy: 'Never' },
    ),
  )
  const ended = (name: string, [found]: readonly Parameters<typeof isReady>[0][]): boolean =>
    found?.status?.containerStatuses?.some((c) => c.name === name && c.state.terminated !== undefined) ?? false
  await until('pod tool', (found) => ended('ended', found) && found[0]?.status?.phase === 'Running')

  assert.equal(await ok('exec tool -c main -- echo a  b'), 'a  b\n', 'an empty word is a word')
  const mixed = await start(['exec', 'tool', '-c', 'main', '--', ...shell('echo out; echo err >&2; exit 42')]).ended
  assert.equal(mixed.out, 'out\n')
  assert.match(mixed.err, /^err$/m)
  assert.match(mixed.err, /command terminated with exit code 42/)
  assert.equal(mixed.code, 42)
  const sent = noise(2 * MEBIBYTE)
  assert.equal(await ok('exec -i tool -c main -- sha256sum', { stdin: sent }), `${sha256(sent)}  -\n`)
  // Without -i nothing is sent, and the command reads an end at once.
  assert.equal(await ok('exec tool -c main -- cat', { stdin: 'unsent' }), '')
  assert.match(
    await fails('exec tool -c main -- no-such-program'),
    /exec: "no-such-program": executable file not found in \$PATH/,
  )
  assert.match(await fails('exec tool -c nobody -- ls'), /container nobody is not valid for pod tool/)
  // Over a WebSocket the handshake is over by the time the kubelet refuses, and a status tells of it.
  const prefix = version === '1.20' ? 'error: ' : 'error: Internal error occurred: '
  assert.equal(
    (await fails('exec tool -c ended -- ls')).split('\n').at(-2),
    `${prefix}unable to upgrade connection: container not found ("ended")`,
  )
  assert.match(await fails('exec nobody -- ls'), /Error from server \(NotFound\): pods "nobody" not found/)
}

export async function execOnATerminal({ apply, until, start }: Session): Promise<void> {
  await apply(pod('tool', [{ command: IDLE }]))
  await until('pod tool', allReady)
  const shellThere = start('exec -it tool -- sh', { terminal: { rows: 33, columns: 97 } })
  const [, device = ''] = await shellThere.says(/^(\/dev\/pts\/\d+)\r$/m)
  // The size does not travel with the input, and may come after it: the shell waits until it has come, now and when it changes.
  shellThere.child.stdin.write('until [ "$(stty size)" = "33 97" ]; do sleep 0.1; done; stty size; tty\n')
  await shellThere.says(/^33 97\r\n\/dev\/pts\/0\r$/m)
  execFileSync('stty', ['-F', device, 'rows', '11', 'cols', '55'])
  shellThere.child.stdin.write('until [ "$(stty size)" = "11 55" ]; do sleep 0.1; done; echo it "is" there\n')
  await shellThere.says(/^it is there\r$/m)
  shellThere.child.stdin.write('exit 7\n')
  assert.equal((await shellThere.ended).code, 7)
}

export async function attach({ apply, until, start }: Session): Promise<void> {
  const echo = { stdin: true, stdinOnce: true, command: shell('echo ready; cat; echo over') }
  await apply(
    pod('piped', [echo], { restartPolicy: 'Never' }),
    pod('shell', [{ stdin: true, tty: true, command: ['sh'] }], { restartPolicy: 'Never' }),
  )
  await until('pods', (pods) => pods.length === 2 && allReady(pods))
  const piped = await start('attach -i piped', { stdin: 'hello\n' }).ended
  assert.deepEqual([piped.code, piped.out], [0, 'hello\nover\n'], piped.err)

  const shellThere = start('attach -it shell', { terminal: { rows: 21, columns: 84 } })
  await shellThere.says(/If you don't see a command prompt/)
  shellThere.child.stdin.write('until [ "$(stty size)" = "21 84" ]; do sleep 0.1; done; echo it "is" there\n')
  await shellThere.says(/^it is there\r$/m)
  shellThere.child.stdin.write('exit\n')
  assert.equal((await shellThere.ended).code, 0)
  await until('pods', (pods) => pods.every(({ status }) => status?.phase === 'Succeeded'))
}

export async function run({ start, until, fails }: Session): Promise<void> {
  const once = ['run', 'once', '-i', '--rm', '--restart=Never', '--image=busybox', '--', ...shell('cat; exit 5')]
  const { code, out, err } = await start(once, { stdin: 'through the pod\n' }).ended
  assert.match(out, /^through the pod\n/, err)
  assert.equal(code, 5)
  assert.match(await fails('get pod once'), /NotFound/)

  const shellThere = start('run shell -it --rm --restart=Never --image=busybox -- sh', {
    terminal: { rows: 24, columns: 80 },
  })
  // By list: a watch of one name ends at once where kubectl has not created it yet.
  await until('pods', (pods) => pods.some(({ metadata }) => metadata.name === 'shell') && allReady(pods))
  shellThere.child.stdin.write('echo it "is" there\n')
  await shellThere.says(/^it is there\r$/m)
  shellThere.child.stdin.write('exit\n')
  assert.equal((await shellThere.ended).code, 0, shellThere.err)
  assert.match(await fails('get pod shell'), /NotFound/)
}

export async function copy({ ok, apply, until, file, directory }: Session): Promise<void> {
  await apply(pod('tool', [{ name: 'main', command: IDLE }, { command: IDLE }]))
  await until('pod tool', allReady)
  const sent = noise(3 * MEBIBYTE + 17)
  file('sent', sent)
  await ok('cp sent tool:/tmp/sent -c main')
  assert.match(await ok('exec tool -c main -- sha256sum /tmp/sent'), new RegExp(`^${sha256(sent)} `))
  await ok('cp tool:/tmp/sent back -c main')
  assert.ok(readFileSync(join(directory, 'back')).equals(sent))

  mkdirSync(join(directory, 'tree/deep'), { recursive: true })
  for (let i = 0; i < 20; i++) file(`tree/deep/${i}`, noise(1000 * i))
  await ok('cp tree tool:/tmp/tree -c main')
  await ok('cp tool:/tmp/tree twin -c main')
  assert.deepEqual(readdirSync(join(directory, 'twin/deep')).sort(), readdirSync(join(directory, 'tree/deep')).sort())
  for (let i = 0; i < 20; i++) {
    const [a, b] = ['tree', 'twin'].map((tree) => readFileSync(join(directory, tree, 'deep', String(i))))
    assert.ok(a?.equals(b ?? Buffer.alloc(0)), `file ${i}`)
  }
}
