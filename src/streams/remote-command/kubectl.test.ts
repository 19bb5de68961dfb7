// The real kubectls, over SPDY and WebSocket, through acceptRemoteCommand, bridge and dialRemoteCommand.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { systemClock as clock } from '../../base/clock.ts'
import { kubectlPath } from '../../testing/kubectl.ts'
import { acceptRemoteCommand } from './accept.ts'
import { bridge } from './bridge.ts'
import { dialRemoteCommand } from './dial.ts'

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default' },
  spec: { containers: [{ name: 'main', image: 'x', stdin: true }] },
  status: { phase: 'Running' },
}
const LISTS: Record<string, object> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get'] }],
  },
}

const { signal } = new AbortController()

async function listen(onUpgrade: (r: IncomingMessage, s: Duplex, h: Buffer) => Promise<void>) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://x')
    const body = pathname.endsWith('/pods/web') ? POD : LISTS[pathname]
    response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}))
  })
  server.on('upgrade', (r, s, h) => void onUpgrade(r, s, h).catch((error) => s.destroy(error)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

function wanted(request: IncomingMessage) {
  const { searchParams: q } = new URL(request.url ?? '', 'http://x')
  const on = (name: string): boolean => ['true', '1'].includes(q.get(name) ?? '')
  return { stdin: on('stdin'), stdout: on('stdout'), stderr: on('stderr'), tty: on('tty'), clock, signal }
}

/** The far side: upper-cases stdin, writes to stderr, ends with 7. */
async function command(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  const session = await acceptRemoteCommand(request, socket, head, wanted(request))
  const input = session.stdin ? await text(session.stdin) : ''
  session.stdout?.write(input.toUpperCase())
  session.stderr?.write('trouble')
  await session.finish({
    status: 'Failure',
    reason: 'NonZeroExitCode',
    message: 'command terminated with non-zero exit code',
    details: { causes: [{ reason: 'ExitCode', message: '7' }] },
  })
}

for (const [version, sockets] of [
  ['1.35', 'true'],
  ['1.35', 'false'],
  ['1.20', 'false'],
] as const) {
  for (const verb of ['exec', 'attach']) {
    test(`kubectl ${version} ${verb}, WebSocket ${sockets}: stdin, stdout, stderr, exit code`, async () => {
      const far = await listen(command)
      const near = await listen(async (request, socket, head) => {
        const options = wanted(request)
        const session = await acceptRemoteCommand(request, socket, head, options)
        const url = `http://127.0.0.1:${far.port}${request.url}`
        await bridge(session, await dialRemoteCommand(url, options), signal)
      })
      const rest = verb === 'exec' ? ['--', 'tr'] : []
      const argv = ['--kubeconfig=/dev/null', '-s', `http://127.0.0.1:${near.port}`, verb, '-i', 'web', '-c', 'main']
      const child = spawn(await kubectlPath(version), [...argv, ...rest], {
        env: { HOME: '/nonexistent', KUBECTL_REMOTE_COMMAND_WEBSOCKETS: sockets },
      })
      child.stdin.end('hello\n')
      const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
      for (const { server } of [near, far]) {
        server.closeAllConnections()
        server.close()
      }
      assert.equal(out, 'HELLO\n', err)
      assert.match(err, /trouble/)
      assert.equal(code, 7, err)
    })
  }
}
