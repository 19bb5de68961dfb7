// Tests of the CRI client against a gRPC server in this process: bytes, errors, deadlines, abortion.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall, status } from '@grpc/grpc-js'
import { systemClock, type Clock } from '../../base/clock.ts'
import { silentLogger } from '../../base/log.ts'
import { CriError, isNotFound, rpcErrorText } from './cri.ts'
import { CriClient } from './cri-client.ts'
import { decodeEvent } from './containerd-events.ts'
import { socketOfEndpoint } from './grpc-channel.ts'
import { fromCri } from './runtime-events.ts'
import { containerEventResponse } from './runtime-messages.ts'

type Handler = (request: Buffer, respond: sendUnaryData<Buffer>, call: ServerUnaryCall<Buffer, Buffer>) => void

/** A server that speaks in bytes, so that nothing of ours is on both sides. */
async function serve(t: TestContext, handlers: Record<string, Handler>): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'drover-cri-'))
  const socket = join(directory, 's')
  const server = new Server()
  const identity = (value: Buffer): Buffer => value
  for (const [name, handler] of Object.entries(handlers)) {
    const definition = {
      path: `/runtime.v1.RuntimeService/${name}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    } as const
    server.addService(
      { [name]: definition },
      {
        [name]: (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) =>
          handler(call.request, respond, call),
      },
    )
  }
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix://${socket}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    )
  })
  t.after(() => {
    server.forceShutdown()
    rmSync(directory, { recursive: true })
  })
  return socket
}

test('CriClient sends and reads the bytes of CRI', async (t) => {
  let seen = ''
  const socket = await serve(t, {
    ExecSync(request, respond) {
      seen = request.toString('hex')
      respond(null, Buffer.from('0a026f6b1807', 'hex'))
    },
  })
  await using client = new CriClient({ socket, clock: systemClock, log: silentLogger })
  const { stdout, exitCode } = await client.execSync('c1', ['ls', '-l'], 9)
  assert.deepEqual([seen, stdout.toString(), exitCode], ['0a026331' + '12026c73' + '12022d6c' + '1809', 'ok', 7])
})

test('CriClient turns a gRPC status into a CriError with its words', async (t) => {
  const socket = await serve(t, {
    StartContainer: (_, respond) => respond({ code: status.NOT_FOUND, details: 'no such container' }),
    StopContainer: (_, respond) => respond({ code: status.NOT_FOUND, details: 'no such container' }),
  })
  await using client = new CriClient({ socket, clock: systemClock, log: silentLogger })
  await assert.rejects(client.startContainer('c1'), (error) => {
    assert.ok(isNotFound(error))
    assert.equal(error.method, 'StartContainer')
    assert.equal(rpcErrorText(error), 'rpc error: code = NotFound desc = no such container')
    return true
  })
  await client.stopContainer('c1', 0)
})

test('CriClient ends a call at its deadline, on the clock it was given', async (t) => {
  let arrived: () => void = () => undefined
  const waiting = new Promise<void>((resolve) => (arrived = resolve))
  const socket = await serve(t, { ListContainers: () => arrived() })
  let fire: () => void = () => undefined
  const clock: Clock = {
    ...systemClock,
    after(ms, callback) {
      assert.equal(ms, 1234)
      fire = callback
      return { cancel: () => undefined }
    },
  }
  await using client = new CriClient({ socket, clock, log: silentLogger })
  const call = client.listContainers({}, { timeoutMs: 1234 })
  await waiting
  fire()
  await assert.rejects(call, { code: 'DEADLINE_EXCEEDED', message: 'context deadline exceeded' })
})

test('CriClient rejects with the reason of an aborted signal and cancels the call', async (t) => {
  const controller = new AbortController()
  let cancelled: () => void = () => undefined
  const cancellation = new Promise<void>((resolve) => (cancelled = resolve))
  const socket = await serve(t, {
    RemoveContainer(_request, _respond, call) {
      call.on('cancelled', cancelled)
      controller.abort(new Error('enough'))
    },
  })
  await using client = new CriClient({ socket, clock: systemClock, log: silentLogger })
  await assert.rejects(client.removeContainer('c1', { signal: controller.signal }), /enough/)
  await cancellation
})

test('CriClient reports a malformed answer and a socket that is not there', async (t) => {
  const socket = await serve(t, { Version: (_, respond) => respond(null, Buffer.from('0aff', 'hex')) })
  await using client = new CriClient({ socket, clock: systemClock, log: silentLogger })
  await assert.rejects(client.version(), (error) => error instanceof CriError && /protobuf/.test(error.message))
  await using nobody = new CriClient({ socket: `${socket}-absent`, clock: systemClock, log: silentLogger })
  await assert.rejects(nobody.version(), { code: 'UNAVAILABLE' })
})

test('decodeEvent reads the exits of containers, not of commands in them, and survives a malformed event', () => {
  const event = (hex: string) => ({
    namespace: 'k8s.io',
    topic: '/tasks/exit',
    event: { typeUrl: '', value: Buffer.from(hex, 'hex') },
  })
  const rest = '182a' + '208901' + '2a0708e80710c0843d'
  assert.deepEqual(decodeEvent(event(`0a026331${'12026331'}${rest}`), silentLogger), {
    type: 'exit',
    containerId: 'c1',
    pid: 42,
    exitCode: 137,
    exitedAt: 1_000_001,
  })
  assert.equal(decodeEvent(event(`0a026331${'12026532'}${rest}`), silentLogger), undefined)
  assert.equal(decodeEvent(event('0aff'), silentLogger), undefined)
})

test('fromCri reads the events of a runtime that is not containerd', () => {
  const response = (value: Parameters<typeof containerEventResponse.encode>[0]) =>
    fromCri(containerEventResponse.decode(containerEventResponse.encode(value)))
  const statuses = [{ id: 'c1', exitCode: 3, finishedAt: 5000 }]
  const table = [
    [response({ containerId: 'c1', containerEventType: 'CONTAINER_CREATED_EVENT' }), undefined],
    [
      response({ containerId: 'c1', containerEventType: 'CONTAINER_STARTED_EVENT' }),
      { type: 'start', containerId: 'c1', pid: 0 },
    ],
    [
      response({ containerId: 'c1', containerEventType: 'CONTAINER_STOPPED_EVENT', containersStatuses: statuses }),
      { type: 'exit', containerId: 'c1', pid: 0, exitCode: 3, exitedAt: 5000 },
    ],
    [
      response({ containerId: 'c1', containerEventType: 'CONTAINER_DELETED_EVENT' }),
      { type: 'delete', containerId: 'c1' },
    ],
  ] as const
  for (const [event, expected] of table) assert.deepEqual(event, expected)
})

test('socketOfEndpoint takes the two spellings of a unix socket', () => {
  assert.deepEqual(['unix:///run/x.sock', '/run/x.sock'].map(socketOfEndpoint), ['/run/x.sock', '/run/x.sock'])
  for (const endpoint of ['tcp://1.2.3.4:5', 'unix://x.sock', ''])
    assert.throws(() => socketOfEndpoint(endpoint), /Cannot use runtime endpoint/)
})
