// Tests of the registry over real HTTP on loopback.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { silentLogger } from '../base/log.ts'
import { containerdHostsToml } from './containerd-hosts.ts'
import { makeImage, tarFile, temporaryStore } from './image-fixtures.ts'
import { MEDIA } from './manifest.ts'
import { parseRange, route, startRegistry } from './registry.ts'

describe('route() reads paths from their end', () => {
  const cases: Record<string, ReturnType<typeof route>> = {
    '/v2/': { what: 'base' },
    '/v2/library/nginx/manifests/latest': { what: 'manifest', name: 'library/nginx', reference: 'latest' },
    '/v2/a/blobs/b/blobs/sha256:x': { what: 'blob', name: 'a/blobs/b', digest: 'sha256:x' },
    '/v2/a/tags/list': { what: 'tags', name: 'a' },
    '/v2/a/tags/other': undefined,
    '/v1/search': undefined,
  }
  for (const [path, want] of Object.entries(cases)) test(path, () => assert.deepEqual(route(path), want))
})

describe('parseRange() over 10 bytes', () => {
  const cases: [string | undefined, ReturnType<typeof parseRange>][] = [
    [undefined, undefined],
    ['bytes=0-3', { start: 0, end: 3 }],
    ['bytes=4-', { start: 4, end: 9 }],
    ['bytes=-4', { start: 6, end: 9 }],
    ['bytes=-40', { start: 0, end: 9 }],
    ['bytes=8-99', { start: 8, end: 9 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=5-2', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=1-2', undefined],
  ]
  for (const [header, want] of cases) test(String(header), () => assert.deepEqual(parseRange(header, 10), want))
})

test('the registry answers as containerd asks', async () => {
  await using t = await temporaryStore()
  const image = await makeImage(t.store, [tarFile('hello', 'hi')])
  await t.store.put('nginx', image)
  await t.store.put('quay.io/a/b:1', image)
  await using registry = await startRegistry({ store: t.store, host: '127.0.0.1', port: 0, log: silentLogger })
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${registry.port}${path}`, init)

  const manifest = await get('/v2/library/nginx/manifests/latest?ns=docker.io')
  assert.deepEqual(
    [manifest.status, manifest.headers.get('content-type'), manifest.headers.get('docker-content-digest')],
    [200, MEDIA.ociManifest, image.digest],
  )
  const { config } = JSON.parse(await manifest.text())

  const head = await get(`/v2/a/b/manifests/${image.digest}?ns=quay.io`, { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, String(image.size), ''])

  const part = await get(`/v2/a/b/blobs/${config.digest}?ns=quay.io`, { headers: { range: 'bytes=1-9' } })
  assert.deepEqual(
    [part.status, part.headers.get('content-range'), await part.text()],
    [206, `bytes 1-9/${config.size}`, '"created"'],
  )

  assert.deepEqual(await (await get('/v2/a/b/tags/list?ns=quay.io')).json(), { name: 'a/b', tags: ['1'] })
  assert.equal((await get('/v2/')).status, 200)

  const refused: [string, RequestInit, number, string][] = [
    ['/v2/a/b/manifests/latest?ns=quay.io', {}, 404, 'MANIFEST_UNKNOWN'],
    ['/v2/a/b/manifests/1?ns=docker.io', {}, 404, 'MANIFEST_UNKNOWN'],
    [`/v2/a/b/blobs/sha256:${'0'.repeat(64)}`, {}, 404, 'BLOB_UNKNOWN'],
    ['/v2/a/b/blobs/sha256:..%2f..%2fetc', {}, 400, 'DIGEST_INVALID'],
    ['/v2/A/manifests/latest?ns=docker.io', {}, 400, 'NAME_INVALID'],
    ['/v2/nothing/tags/list', {}, 404, 'NAME_UNKNOWN'],
    ['/v2/a/b/blobs/uploads/', { method: 'POST' }, 405, 'UNSUPPORTED'],
    [`/v2/a/b/blobs/${config.digest}`, { headers: { range: 'bytes=9999-' } }, 416, 'SIZE_INVALID'],
    ['/', {}, 404, 'NOT_FOUND'],
  ]
  for (const [path, init, status, code] of refused) {
    const response = await get(path, init)
    const body = JSON.parse(await response.text())
    assert.deepEqual([response.status, body.errors[0].code], [status, code], path)
  }
})

test('startRegistry() says that a port is taken', async () => {
  await using t = await temporaryStore()
  const options = { store: t.store, host: '127.0.0.1', log: silentLogger }
  await using first = await startRegistry({ ...options, port: 0 })
  await assert.rejects(
    startRegistry({ ...options, port: first.port }),
    new RegExp(`Cannot start image registry on 127.0.0.1:${first.port}`),
  )
})

test('containerdHostsToml() brackets IPv6 addresses', () => {
  assert.match(containerdHostsToml({ host: '::1', port: 5 }), /^\[host\."http:\/\/\[::1\]:5"\]$/m)
})
