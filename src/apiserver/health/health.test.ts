// What probes and Prometheus see.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Metrics } from '../../base/metrics.ts'
import type { ApiRequest, ApiResponse, Handle, WatchFrame } from '../../client/door.ts'
import { VirtualClock } from '../../testing/virtual-clock.ts'
import type { RequestContext } from '../registry/context.ts'
import { type HealthOptions, health } from './health.ts'
import { counted } from './request-metrics.ts'

function request(method: string, url: string): ApiRequest {
  const [path = '', query = ''] = url.split('?')
  return { method, path, query: new URLSearchParams(query), headers: {}, signal: new AbortController().signal }
}

async function get(options: HealthOptions, url: string): Promise<[number, string] | undefined> {
  const answer = await health(options)(request('GET', url), { requestID: 'id' } as RequestContext)
  if (!answer) return undefined
  assert(answer.body.kind === 'bytes')
  return [answer.status, answer.body.bytes.toString()]
}

test('checks are answered as upstream answers them', async () => {
  let storeFailure: string | undefined
  const options: HealthOptions = {
    checks: { ping: () => undefined, store: () => storeFailure },
    readiness: { bootstrap: () => 'not finished' },
  }
  const table: [string, [number, string] | undefined][] = [
    ['/healthz', [200, 'ok']],
    ['/livez?verbose', [200, '[+]ping ok\n[+]store ok\nlivez check passed\n']],
    ['/livez/ping', [200, 'ok']],
    ['/readyz', [500, '[+]ping ok\n[+]store ok\n[-]bootstrap failed: reason withheld\nreadyz check failed\n']],
    ['/readyz?exclude=bootstrap', [200, 'ok']],
    [
      '/readyz?verbose&exclude=bootstrap&exclude=nothing',
      [
        200,
        '[+]ping ok\n[+]store ok\n[+]bootstrap excluded: ok\nwarn: some health checks cannot be excluded: no matches for "nothing"\nreadyz check passed\n',
      ],
    ],
    ['/readyz/bootstrap', [500, 'internal server error: not finished\n']],
    ['/livez/bootstrap', undefined],
    ['/healthz/constructor', undefined],
    ['/metrics', undefined],
  ]
  for (const [url, answer] of table) assert.deepEqual(await get(options, url), answer, url)
  storeFailure = 'disk full'
  assert.deepEqual(await get(options, '/livez'), [
    500,
    '[+]ping ok\n[-]store failed: reason withheld\nlivez check failed\n',
  ])
})

test('requests are counted by verb, resource and code', async () => {
  const metrics = new Metrics()
  const clock = new VirtualClock()
  const frames = (async function* (): AsyncGenerator<readonly WatchFrame[]> {
    const frame: WatchFrame = { type: 'ADDED', line: Buffer.alloc(0), object: {} }
    yield [frame, frame]
    yield [frame]
  })()
  const inner: Handle = async ({ query }): Promise<ApiResponse> => ({
    status: 200,
    headers: {},
    body: query.has('watch') ? { kind: 'watch', events: frames } : { kind: 'empty' },
  })
  const handle = counted(inner, metrics, clock)
  await handle(request('POST', '/api/v1/namespaces/default/pods'))
  await handle(request('GET', '/api/v1/nodes/a'))
  await handle(request('GET', '/anything/at/all'))
  const watch = await handle(request('GET', '/api/v1/pods?watch=1'))
  assert(watch.body.kind === 'watch')
  const open =
    'apiserver_longrunning_requests{verb="WATCH",dry_run="",group="",version="v1",resource="pods",subresource="",scope="cluster",component="apiserver"}'
  let seen = 0
  for await (const batch of watch.body.events) {
    seen += batch.length
    assert(metrics.text().includes(`${open} 1\n`))
  }
  assert.equal(seen, 3)
  const text = metrics.text()
  for (const line of [
    'apiserver_request_total{verb="POST",dry_run="",group="",version="v1",resource="pods",subresource="",scope="namespace",component="apiserver",code="200"} 1',
    'apiserver_request_total{verb="GET",dry_run="",group="",version="v1",resource="nodes",subresource="",scope="resource",component="apiserver",code="200"} 1',
    'apiserver_request_total{verb="GET",dry_run="",group="",version="",resource="",subresource="",scope="",component="apiserver",code="200"} 1',
    'apiserver_watch_events_total{group="",version="v1",resource="pods"} 3',
    'apiserver_current_inflight_requests{request_kind="readOnly"} 0',
    `${open} 0`,
  ]) {
    assert(text.includes(`${line}\n`), line)
  }
  assert.deepEqual((await get({ checks: {}, metrics }, '/metrics'))?.[0], 200)
})
