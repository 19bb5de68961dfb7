// The real kubectls forward a port, over SPDY and through a WebSocket, to connections that this process answers.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { systemClock as clock } from '../../base/clock.ts'
import { kubectlPath } from '../../testing/kubectl.ts'
import { acceptPortForward } from './accept.ts'

const POD = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default' },
  spec: { containers: [{ name: 'main', image: 'x' }] },
  status: { phase: 'Running' },
}
const ANSWERS: Record<string, object> = {
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get'] }],
  },
  '/api/v1/namespaces/default/pods/web': POD,
}

for (const [version, sockets] of [
  ['1.35', 'true'],
  ['1.35', 'false'],
  ['1.20', 'false'],
] as const) {
  test(`kubectl ${version} port-forward, WebSocket ${sockets}: bytes come back, twice`, async () => {
    const { signal } = new AbortController()
    const server = createServer((request, response) => {
      const body = ANSWERS[new URL(request.url ?? '', 'http://x').pathname]
      response.writeHead(body ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}))
    })
    const ports: number[] = []
    server.on('upgrade', async (request, socket, head) => {
      for await (const connection of acceptPortForward(request, socket, head, { clock, signal })) {
        ports.push(connection.port)
        connection.data.pipe(connection.data)
      }
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const argv = ['--kubeconfig=/dev/null', '-s', url, 'port-forward', 'pod/web', ':8080', '--address=127.0.0.1']
    const child = spawn(await kubectlPath(version), argv, {
      env: { HOME: '/nonexistent', KUBECTL_PORT_FORWARD_WEBSOCKETS: sockets },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(child.stdout, 'data')
    const local = Number(/:(\d+) ->/.exec(String(line))?.[1])
    for (const size of [5, 1 << 20]) {
      const client = connect({ port: local, host: '127.0.0.1', allowHalfOpen: true })
      const sent = Buffer.alloc(size, 'drover')
      client.end(sent)
      assert.ok(sent.equals(await buffer(client)))
    }
    child.kill()
    await once(child, 'exit')
    server.closeAllConnections()
    server.close()
    assert.deepEqual(ports, [8080, 8080])
  })
}
