// Probes against real containers and real servers.

import assert from 'node:assert/strict'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { systemClock as clock } from '../../../src/base/clock.ts'
import { createAuthority, issueCertificate } from '../../../src/base/node/certificates.ts'
import { enumeration, field, message, string } from '../../../src/base/protobuf/protobuf.ts'
import { systemRandom as random } from '../../../src/base/random.ts'
import { conditionOf, container, statusOf, type World } from './world.ts'

const ready = (value: string) => (pod: Parameters<typeof conditionOf>[0]) =>
  statusOf(pod)?.state?.running !== undefined && conditionOf(pod, 'Ready') === value
const quick = { periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 5 }

export function probeRows(t: TestContext, world: World): Promise<void>[] {
  const { node } = world
  return [
    world.row(t, 'an exec probe flips the Ready condition, and back', async () => {
      const readinessProbe = { ...quick, exec: { command: ['cat', '/tmp/ready'] } }
      await world.create('exec-probe', 'sleep 1000', {}, { readinessProbe })
      const pod = await world.running('exec-probe')
      const told = await world.event('exec-probe', ({ reason }) => reason === 'Unhealthy')
      assert.equal(told.message, "Readiness probe failed: cat: can't open '/tmp/ready': No such file or directory\n")
      assert.equal(conditionOf(pod, 'Ready'), 'False')
      await world.inside(pod, 'touch /tmp/ready')
      await node.until('exec-probe', ready('True'))
      await world.inside(pod, 'rm /tmp/ready')
      const flipped = await node.until('exec-probe', ready('False'))
      const found = flipped?.status?.conditions?.find(({ type }) => type === 'Ready')
      assert.deepEqual(
        [found?.reason, found?.message],
        ['ContainersNotReady', 'containers with unready status: [main]'],
      )
    }),

    world.row(
      t,
      'liveness is not asked before the startup probe has succeeded; its failure restarts the container',
      async () => {
        await world.create(
          'gated',
          'sleep 1000',
          {},
          {
            startupProbe: { ...quick, failureThreshold: 100, exec: { command: ['cat', '/tmp/started'] } },
            livenessProbe: { ...quick, exec: { command: ['cat', '/tmp/alive'] } },
          },
        )
        const pod = await world.running('gated')
        await world.event(
          'gated',
          (e) => (e.count ?? 0) >= 3 && e.message?.startsWith('Startup probe failed:') === true,
        )
        assert.deepEqual([statusOf(pod)?.started, statusOf(pod)?.restartCount], [false, 0])
        const early = await node.until('gated', () => true)
        assert.equal(statusOf(early)?.restartCount, 0)
        await world.inside(pod, 'touch /tmp/started')
        const restarted = await node.until('gated', (p) => statusOf(p)?.restartCount === 1)
        assert.equal(statusOf(restarted)?.lastState?.terminated?.exitCode, 137)
        const killing = await world.event('gated', ({ reason }) => reason === 'Killing')
        assert.equal(killing.message, 'Container main failed liveness probe, will be restarted')
        const unhealthy = await world.event('gated', (e) => e.message?.startsWith('Liveness') === true)
        assert.equal(
          unhealthy.message,
          "Liveness probe failed: cat: can't open '/tmp/alive': No such file or directory\n",
        )
      },
    ),

    world.row(t, 'failureThreshold failures in a row, not fewer, restart a container', async () => {
      const livenessProbe = { ...quick, failureThreshold: 3, exec: { command: ['sh', '-c', '! [ -e /tmp/off ]'] } }
      await world.create('threshold', 'sleep 1000', {}, { livenessProbe })
      await world.inside(await world.running('threshold'), 'touch /tmp/off')
      await node.until('threshold', (p) => statusOf(p)?.restartCount === 1)
      const unhealthy = await world.event('threshold', (e) => e.reason === 'Unhealthy' && (e.count ?? 1) >= 3)
      assert.equal(unhealthy.count, 3)
    }),

    world.row(t, 'HTTP by a named port and TCP reach a pod on its own address', async () => {
      const script = 'mkdir /www; echo ok > /www/index.html; exec httpd -f -p 8080 -h /www'
      await world.create(
        'web',
        script,
        {},
        {
          ports: [{ name: 'web', containerPort: 8080, protocol: 'TCP' }],
          readinessProbe: { ...quick, httpGet: { port: 'web', path: '/index.html', scheme: 'HTTP' } },
          livenessProbe: { ...quick, failureThreshold: 3, tcpSocket: { port: 8080 } },
        },
      )
      await node.until('web', ready('True'))
      const pod = await world.running('web')
      await world.inside(pod, 'rm /www/index.html')
      await node.until('web', ready('False'))
      const told = await world.event('web', (e) => e.message?.includes('statuscode') === true)
      assert.equal(told.message, 'Readiness probe failed: HTTP probe failed with statuscode: 404')
      assert.equal(statusOf(pod)?.restartCount, 0)
    }),

    world.row(t, 'a TCP probe that nobody answers says so', async () => {
      const readinessProbe = { ...quick, tcpSocket: { port: 81 } }
      await world.create('closed', 'sleep 1000', {}, { readinessProbe })
      const told = await world.event('closed', ({ reason }) => reason === 'Unhealthy')
      const ip = (await world.running('closed')).status?.podIP
      assert.equal(told.message, `Readiness probe failed: dial tcp ${ip}:81: connect: connection refused`)
    }),

    world.row(t, 'HTTP with headers, HTTPS with any certificate, and gRPC by service name', async () => {
      const asked: (string | undefined)[] = []
      const answer = ({ headers }: IncomingMessage, response: ServerResponse): void => {
        asked.push(headers['x-probe'] as string, headers['user-agent'], headers.host)
        response.writeHead(headers['x-probe'] === 'yes' ? 200 : 503).end()
      }
      const authority = createAuthority('probes', { clock, random })
      const own = issueCertificate(authority, { commonName: 'x', usages: ['server'], names: [] }, { clock, random })
      const http = createHttp(answer).listen(0, '127.0.0.1')
      const https = createHttps({ key: own.key, cert: own.certificate }, answer).listen(0, '127.0.0.1')
      const health = await healthServer()
      try {
        const httpHeaders = [
          { name: 'X-Probe', value: 'yes' },
          { name: 'Host', value: 'named.example' },
        ]
        const probe = (more: object) => ({ readinessProbe: { ...quick, ...more } })
        const port = ({ port: number }: AddressInfo): number => number
        await world.createPod('hosted', {
          hostNetwork: true,
          terminationGracePeriodSeconds: 1,
          containers: [
            container(
              'main',
              'sleep 1000',
              probe({ httpGet: { port: port(http.address() as AddressInfo), httpHeaders } }),
            ),
            container(
              'tls',
              'sleep 1000',
              probe({ httpGet: { port: port(https.address() as AddressInfo), scheme: 'HTTPS', httpHeaders } }),
            ),
            container('grpc', 'sleep 1000', probe({ grpc: { port: health.port, service: 'web' } })),
          ],
        })
        await node.until('hosted', ready('True'))
        assert.deepEqual(asked.slice(0, 3), ['yes', 'kube-probe/v1.36.0', 'named.example'])
        health.status = 'NOT_SERVING'
        await node.until('hosted', (p) => statusOf(p, 'grpc')?.ready === false)
        const told = await world.event('hosted', ({ reason }) => reason === 'Unhealthy')
        assert.equal(told.message, 'Readiness probe failed: service unhealthy (responded with "NOT_SERVING")')
      } finally {
        http.close()
        https.close()
        http.closeAllConnections()
        https.closeAllConnections()
        health.server.forceShutdown()
      }
    }),
  ]
}

const checkRequest = message({ service: field(1, string) })
const servingStatus = enumeration({ UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 })
const checkResponse = message({ status: field(1, servingStatus) })

/** The standard health service, which serves `web`. */
async function healthServer() {
  const server = new Server()
  const state = { server, port: 0, status: 'SERVING' as 'SERVING' | 'NOT_SERVING' }
  const definition = {
    Check: {
      path: '/grpc.health.v1.Health/Check',
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: { service: string }) => checkRequest.encode(value),
      requestDeserialize: (bytes: Buffer) => checkRequest.decode(bytes),
      responseSerialize: (value: { status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN' }) =>
        checkResponse.encode(value),
      responseDeserialize: (bytes: Buffer) => checkResponse.decode(bytes),
    },
  } as const
  server.addService(definition, {
    Check: (
      call: { request: { service: string } },
      callback: (error: null, value: { status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN' }) => void,
    ) => callback(null, { status: call.request.service === 'web' ? state.status : 'SERVICE_UNKNOWN' }),
  })
  state.port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    )
  })
  return state
}
