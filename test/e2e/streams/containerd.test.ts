// The streams against a real containerd: exec through its streaming server, with stdin, stderr, exit code, a terminal and much output.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { test } from 'node:test'
import { systemClock as clock } from '../../../src/base/clock.ts'
import { dialRemoteCommand } from '../../../src/streams/remote-command/dial.ts'
import { dialPortForward } from '../../../src/streams/port-forward/dial.ts'
import { BUSYBOX, Fixture } from '../node-runtime/fixture.ts'

const { signal } = new AbortController()

test('exec in a real containerd', async (t) => {
  const fixture = new Fixture(t)
  const { socket } = await fixture.start()
  await fixture.importImages(socket)
  await using client = fixture.client(socket)
  const config = fixture.sandboxConfig('web')
  const sandbox = await client.runPodSandbox(config)
  const container = await client.createContainer(
    sandbox,
    { metadata: { name: 'main' }, image: { image: BUSYBOX }, command: ['sleep', '1000'], logPath: 'main.log' },
    config,
  )
  await client.startContainer(container)
  const exec = async (cmd: string[], { stdin = false, tty = false } = {}) => {
    const url = await client.exec({ containerId: container, cmd, stdin, stdout: true, stderr: !tty, tty })
    return await dialRemoteCommand(url, { stdin, stdout: true, stderr: !tty, tty, clock, signal })
  }

  await t.test('stdin ends, stdout and stderr come apart, the exit code is told', async () => {
    const session = await exec(['sh', '-c', 'cat; echo trouble >&2; exit 7'], { stdin: true })
    session.stdin?.end('hello')
    const { stdout, stderr } = session
    assert.ok(stdout && stderr)
    assert.deepEqual(await Promise.all([text(stdout), text(stderr)]), ['hello', 'trouble\n'])
    const status = await session.status
    assert.equal(status?.reason, 'NonZeroExitCode')
    assert.match(JSON.stringify(status?.details), /"7"/)
  })

  await t.test('much output arrives whole, both ways', async () => {
    const sent = Buffer.alloc(8 << 20, 'drover')
    const session = await exec(['cat'], { stdin: true })
    session.stdin?.end(sent)
    session.stderr?.resume()
    assert.ok(session.stdout)
    const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
    assert.equal(hash(await buffer(session.stdout)), hash(sent))
    assert.equal((await session.status)?.status, 'Success')
  })

  await t.test('a terminal has the size it was given', async () => {
    // The runtime applies a size when it gets to it, so the command looks until it is there.
    const look = 'n=0; until stty size | grep "45 123"; do n=$((n+1)); [ $n -lt 100 ] || exit 1; sleep 0.05; done'
    const session = await exec(['sh', '-c', look], { stdin: true, tty: true })
    session.resize({ width: 123, height: 45 })
    assert.ok(session.stdout)
    assert.match(await text(session.stdout), /45 123/)
    assert.equal((await session.status)?.status, 'Success')
  })
  await t.test('port-forward reaches a server of the pod, and a closed port is an error', async () => {
    const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const url = await client.portForward({ podSandboxId: sandbox, port: [port] })
    const forward = await dialPortForward(url, { clock, signal })
    const sent = Buffer.alloc(2 << 20, 'drover')
    const { data, error } = await forward.connect(port)
    data.end(sent)
    assert.ok(sent.equals(await buffer(data)))
    assert.equal(await error, undefined)
    server.close()
    await once(server, 'close')
    const closed = await forward.connect(port)
    closed.data.resume()
    assert.match((await closed.error) ?? '', /refused/)
    forward.close()
    await forward.closed
  })
})
