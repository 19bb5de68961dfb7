// What of the etcd engine needs no etcd: endpoints, errors, envelopes, keys, shared questions. The rest: test/e2e/etcd/.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Actor } from '../store.ts'
import { Coalesced } from './coalesced.ts'
import { parseEndpoints } from './connection.ts'
import { decodeEnvelope, encodeEnvelope } from './envelope.ts'
import { etcdError } from './etcd-error.ts'
import { Layout } from './layout.ts'

describe('parseEndpoints()', () => {
  test('takes the members of a cluster', () =>
    assert.deepEqual(parseEndpoints('https://a:2379, http://[::1]:2379/'), ['https://a:2379', 'http://[::1]:2379/']))
  for (const text of ['', 'a:2379', 'a', 'ftp://a', 'https://u:p@a', 'https://a/x', 'https://a?x', 'https://a,'])
    test(`refuses "${text}"`, () => assert.throws(() => parseEndpoints(text), /is not an etcd endpoint/))
})

describe('etcdError()', () => {
  const cases: [code: number, details: string, failure: string][] = [
    [14, 'No connection established. Last error: connect ECONNREFUSED', 'never-sent'],
    [14, 'etcdserver: no leader', 'never-sent'],
    [14, 'etcdserver: leader changed', 'unreachable'],
    [14, 'etcdserver: request timed out, possibly due to previous leader failure', 'unreachable'],
    [14, 'Connection dropped', 'unreachable'],
    [8, 'etcdserver: mvcc: database space exceeded', 'full'],
    [8, 'etcdserver: too many requests', 'busy'],
    [8, 'Received message larger than max (9 vs 8)', 'too-large'],
    [3, 'etcdserver: request is too large', 'too-large'],
    [11, 'etcdserver: mvcc: required revision has been compacted', 'compacted'],
    [11, 'etcdserver: mvcc: required revision is a future revision', 'future'],
    [5, 'etcdserver: requested lease not found', 'no-lease'],
    [9, 'etcdserver: lease already exists', 'lease-exists'],
    [7, 'etcdserver: permission denied', 'refused'],
    [13, 'anything else', 'unreachable'],
  ]
  for (const [code, details, failure] of cases)
    test(`${details} is ${failure}`, () => {
      const error = etcdError(Object.assign(new Error(details), { code, details }), 'Txn')
      assert.deepEqual([error.failure, error.message], [failure, `etcd answered Txn with: ${details}`])
    })
})

test('an envelope comes back as it was, and nothing else is taken for one', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 })
  const actor = fc.record(
    { user: text, verb: text, requestID: text, fieldManager: text, userAgent: text },
    { requiredKeys: ['user', 'verb', 'requestID'], noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.uint8Array(), actor, fc.nat(), (value, who, timeMs) => {
      const envelope = { timeMs, expiresMs: timeMs * 2, actor: who as Actor, value: Buffer.from(value) }
      assert.deepEqual(decodeEnvelope(encodeEnvelope(envelope), 'k'), envelope)
    }),
  )
  for (const bytes of ['', '{"kind":"Pod"}', 'k8s\0', '\x01', '\x01\0\0\0\xff'])
    assert.throws(() => decodeEnvelope(Buffer.from(bytes, 'latin1'), 'k'), /Cannot read "k" from etcd/)
})

test('keys stay below their prefix, and only objects are objects', () => {
  const layout = new Layout('/drover/')
  assert.equal(layout.object('t/é').toString(), '/drover/objects/t/é')
  assert.equal(layout.keyOf(layout.object('t/é')), 't/é')
  assert.equal(layout.keyOf(layout.deletion), undefined)
  assert.equal(layout.keyOf(Buffer.from('/drover2/objects/t/x')), undefined)
  const range = (prefix: string, after?: string) => {
    const { key, rangeEnd } = layout.objects(prefix, after)
    return [key.toString(), rangeEnd.toString()]
  }
  assert.deepEqual(range(''), ['/drover/objects/', '/drover/objects0'])
  assert.deepEqual(range('t/a/'), ['/drover/objects/t/a/', '/drover/objects/t/a0'])
  assert.deepEqual(range('t/a/', 't/a/x'), ['/drover/objects/t/a/x\0', '/drover/objects/t/a0'])
  assert.deepEqual(range('t/a/', 't/0'), ['/drover/objects/t/a/', '/drover/objects/t/a0'])
})

test('a question is shared by those who ask before it is put, and not by those who come later', async () => {
  const answers: ((value: number) => void)[] = []
  const shared = new Coalesced(() => new Promise<number>((resolve) => answers.push(resolve)))
  const first = shared.get()
  const late = [shared.get(), shared.get()]
  assert.equal(answers.length, 1)
  answers[0]?.(1)
  assert.equal(await first, 1)
  await new Promise(setImmediate)
  assert.equal(answers.length, 2)
  answers[1]?.(2)
  assert.deepEqual(await Promise.all(late), [2, 2])
})
