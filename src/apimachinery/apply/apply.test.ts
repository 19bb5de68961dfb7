import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AnyObject } from '../metadata.ts'
import { objectMeta } from '../metadata.ts'
import { int32, list, mapOf, ref, required, string, struct } from '../schema.ts'
import { difference, type FieldSet, intersection, pathsOf, sameSet, union } from './field-set.ts'
import { serializeText } from '../serialize.ts'
import { serverSideApply, trackUpdate } from './managed-fields.ts'

const port = struct('Port', {
  containerPort: required(int32(1)),
  protocol: string(2, { default: 'TCP' }),
  name: string(3),
})
const container = struct('Container', {
  name: required(string(1)),
  image: string(2),
  args: list(3, string(), { list: 'atomic' }),
  ports: list(4, port, { list: 'map', keys: ['containerPort', 'protocol'] }),
})
const spec = struct('Spec', {
  replicas: int32(1),
  containers: list(2, container, { list: 'map', keys: ['name'] }),
  tags: list(3, string(), { list: 'set' }),
})
const kind = struct('Kind', {
  metadata: ref(1, objectMeta),
  spec: ref(2, spec),
  status: ref(3, struct('Status', { ready: int32(1) })),
  data: mapOf(4, string()),
})

const at = (
  manager: string,
  nowMs = 0,
): { struct: typeof kind; manager: string; apiVersion: string; subresource: string; nowMs: number } => ({
  struct: kind,
  manager,
  apiVersion: 'apps/v1',
  subresource: '',
  nowMs,
})
const object = (body: object): AnyObject => ({ apiVersion: 'apps/v1', kind: 'Kind', metadata: { name: 'x' }, ...body })

function created(body: object, manager = 'kubectl-create'): AnyObject {
  const next = object(body)
  trackUpdate({ ...at(manager), live: undefined, next })
  // As it is stored and read back.
  return JSON.parse(serializeText(next, next)) as AnyObject
}
function applied(live: AnyObject | undefined, body: object, manager: string, force = false): AnyObject {
  const outcome = serverSideApply({ ...at(manager, 60_000), live, applied: object(body), force })
  if ('conflicts' in outcome) throw new Error(outcome.message)
  return outcome.object
}
const setsOf = (o: AnyObject): Record<string, unknown> =>
  Object.fromEntries((o.metadata.managedFields ?? []).map((e) => [`${e.manager} ${e.operation}`, e.fieldsV1]))

test('trackUpdate on creation gives the creator every field, as upstream writes them', () => {
  const next = created({
    metadata: { name: 'x', labels: { app: 'a' } },
    spec: { replicas: 1, containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 80, protocol: 'TCP' }] }] },
  })
  assert.deepEqual(setsOf(next), {
    'kubectl-create Update': {
      'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
      'f:spec': {
        'f:replicas': {},
        'f:containers': {
          'k:{"name":"c"}': {
            '.': {},
            'f:name': {},
            'f:image': {},
            'f:ports': {
              '.': {},
              'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {}, 'f:protocol': {} },
            },
          },
        },
      },
    },
  })
})

test('trackUpdate moves a changed field to the one who changed it, and leaves the rest', () => {
  const live = created({ spec: { replicas: 1, tags: ['a'] } })
  const next = structuredClone(live)
  next['spec'] = { replicas: 2, tags: ['a'] }
  trackUpdate({ ...at('scaler', 5000), live, next })
  assert.deepEqual(setsOf(next), {
    'kubectl-create Update': { 'f:spec': { 'f:tags': { '.': {}, 'v:"a"': {} } } },
    'scaler Update': { 'f:spec': { 'f:replicas': {} } },
  })
})

test('trackUpdate that changes nothing leaves ownership and times alone', () => {
  const live = created({ spec: { replicas: 1 } })
  const next = structuredClone(live)
  trackUpdate({ ...at('someone', 9000), live, next })
  assert.deepEqual(next, live)
})

test('serverSideApply creates, and a second apply of the same changes nothing', () => {
  const body = { spec: { replicas: 3, containers: [{ name: 'c', image: 'i' }] } }
  const first = applied(undefined, body, 'helm')
  assert.deepEqual(applied(first, body, 'helm'), first)
})

test('serverSideApply conflicts with who owns the field at another value, in upstream words', () => {
  const live = created({ spec: { replicas: 1 } }, 'kubectl-client-side-apply')
  const outcome = serverSideApply({ ...at('helm'), live, applied: object({ spec: { replicas: 2 } }), force: false })
  assert.ok('conflicts' in outcome)
  assert.equal(
    outcome.message,
    'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1 at 1970-01-01T00:00:00Z: .spec.replicas',
  )
  assert.deepEqual(outcome.conflicts[0]?.field, '.spec.replicas')
})

test('serverSideApply with force takes the field over', () => {
  const live = created({ spec: { replicas: 1 } })
  const next = applied(live, { spec: { replicas: 2 } }, 'helm', true)
  assert.deepEqual(setsOf(next), { 'helm Apply': { 'f:spec': { 'f:replicas': {} } } })
})

test('serverSideApply shares a field at the same value', () => {
  const live = created({ spec: { replicas: 1 } })
  const next = applied(live, { spec: { replicas: 1 } }, 'helm')
  assert.deepEqual(Object.keys(setsOf(next)), ['helm Apply', 'kubectl-create Update'])
})

test('serverSideApply removes what is no longer applied, unless somebody else owns it', () => {
  const first = applied(
    undefined,
    {
      data: { a: '1', b: '2' },
      spec: {
        containers: [
          { name: 'c', image: 'i' },
          { name: 'd', image: 'i' },
        ],
      },
    },
    'helm',
  )
  const touched = structuredClone(first)
  ;(touched['spec'] as { containers: { args?: string[] }[] }).containers[1] = {
    ...(touched['spec'] as { containers: object[] }).containers[1],
    args: ['x'],
  }
  trackUpdate({ ...at('sidecar'), live: first, next: touched })
  const next = applied(touched, { data: { a: '1' }, spec: { containers: [{ name: 'c', image: 'i' }] } }, 'helm')
  assert.deepEqual(next['data'], { a: '1' })
  const containers = (next['spec'] as { containers: { name?: string; args?: string[] }[] }).containers
  assert.deepEqual(containers, [
    { name: 'c', image: 'i' },
    { name: 'd', args: ['x'] },
  ])
})

test('serverSideApply knows an element by its keys, defaulted where absent', () => {
  const live = applied(undefined, { spec: { containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] } }, 'helm')
  const next = applied(
    live,
    { spec: { containers: [{ name: 'c', ports: [{ containerPort: 80, protocol: 'TCP', name: 'http' }] }] } },
    'helm',
  )
  assert.equal((next['spec'] as { containers: { ports: unknown[] }[] }).containers[0]?.ports.length, 1)
})

test('serverSideApply on an object that was never tracked sees somebody before it', () => {
  const live = object({ spec: { replicas: 1 } })
  const outcome = serverSideApply({ ...at('helm'), live, applied: object({ spec: { replicas: 2 } }), force: false })
  assert.ok('conflicts' in outcome)
  assert.match(outcome.message, /before-first-apply/)
})

const set: fc.Arbitrary<FieldSet> = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constant({}),
    fc.dictionary(fc.constantFrom('f:a', 'f:b', 'f:c'), tie('node') as fc.Arbitrary<FieldSet>, { maxKeys: 3 }),
  ),
})).node as fc.Arbitrary<FieldSet>

test('field sets obey the laws of sets', () => {
  fc.assert(
    fc.property(set, set, (a, b) => {
      const paths = (s: FieldSet): Set<string> => new Set(pathsOf(s))
      assert.deepEqual(paths(union(a, b)), paths(a).union(paths(b)))
      assert.deepEqual(paths(difference(a, b)), paths(a).difference(paths(b)))
      assert.deepEqual(paths(intersection(a, b)), paths(a).intersection(paths(b)))
      assert.equal(sameSet(a, union(a, intersection(a, b))), true)
    }),
  )
})
