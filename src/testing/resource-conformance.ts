// What every stored kind must do, looped over all of them: a new kind is tested by being listed.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isConflict, isNotFound } from '../apimachinery/errors.ts'
import type { AnyObject, ObjectKey } from '../apimachinery/metadata.ts'
import { decodeProtobuf } from '../apimachinery/protobuf/protobuf.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import type { AnyResource } from '../api/all.ts'
import { findDifferences } from '../apiserver/cache/consistency.ts'
import { collectionPath, objectPath } from '../client/paths.ts'
import type { TestCluster } from './cluster.ts'
import { ADMIN } from './cluster.ts'
import { callsTo } from './http.ts'
import { NAMESPACE, sampleObject, sampleOf } from './resource-samples.ts'

interface Subject {
  cluster: TestCluster
  resource: AnyResource
}

type Check = (subject: Subject, unique: string) => Promise<void>

const keyOf = ({ metadata }: DeepReadonly<AnyObject>): ObjectKey =>
  metadata.namespace === undefined ? { name: metadata.name } : { namespace: metadata.namespace, name: metadata.name }

const namespaceOf = ({ scope }: AnyResource): string | undefined => (scope === 'Namespaced' ? NAMESPACE : undefined)

const inNamespace = (resource: AnyResource): { namespace?: string } =>
  resource.scope === 'Namespaced' ? { namespace: NAMESPACE } : {}

async function make(
  { cluster, resource }: Subject,
  unique: string,
  metadata?: object,
): Promise<DeepReadonly<AnyObject>> {
  return cluster.client.create(resource, sampleObject(resource, unique, metadata))
}

/** Ends an object for good, also where its kind lingers. */
async function end({ cluster, resource }: Subject, object: DeepReadonly<AnyObject>): Promise<void> {
  const key = keyOf(object)
  await cluster.client.delete(resource, key, { propagationPolicy: 'Background' })
  const { lingers } = sampleOf(resource)
  if (!lingers) return
  const left = await cluster.get(resource, key)
  if (!left) return
  const finalizers = left.metadata.finalizers?.filter((name) => !name.startsWith('customresourcecleanup.'))
  if (lingers === 'finalize') await cluster.client.update(resource, { ...left, spec: {} }, { subresource: 'finalize' })
  else await cluster.client.patch(resource, key, { type: 'merge', body: { metadata: { finalizers } } })
}

const CHECKS: Readonly<Record<string, Check>> = {
  async 'is created with what the server sets, and read as it was answered'(subject, unique) {
    const { cluster, resource } = subject
    const made = await make(subject, unique)
    const { metadata } = made
    assert.match(metadata.uid ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-4/)
    assert.equal(metadata.creationTimestamp, new Date(cluster.clock.now()).toISOString().replace('.000', ''))
    assert.match(metadata.resourceVersion ?? '', /^\d+$/)
    assert.equal(metadata.generation, countsGenerations(resource) ? 1 : sampleOf(resource).generation)
    assert.equal(metadata.selfLink, undefined)
    assert.deepEqual(await cluster.client.get(resource, keyOf(made)), made)
    const { items } = await cluster.client.list(resource, inNamespace(resource))
    assert.deepEqual(
      items.find((item) => item.metadata.name === metadata.name),
      made,
    )
    await end(subject, made)
    assert.equal(await cluster.get(resource, keyOf(made)), undefined)
  },

  async 'is watched through its life'(subject, unique) {
    const { cluster, resource } = subject
    const { resourceVersion } = await cluster.client.list(resource)
    const made = await make(subject, unique)
    const label = { metadata: { labels: { seen: 'yes' } } }
    await cluster.client.patch(resource, keyOf(made), { type: 'merge', body: label })
    await end(subject, made)
    const seen: string[] = []
    const revisions: number[] = []
    for await (const batch of cluster.client.watch(resource, { resourceVersion, ...inNamespace(resource) })) {
      for (const { type, object } of batch) {
        if (object.metadata.name !== made.metadata.name) continue
        if (seen.at(-1) !== type) seen.push(type)
        revisions.push(Number(object.metadata.resourceVersion))
      }
      if (seen.at(-1) === 'DELETED') break
    }
    assert.deepEqual(seen, ['ADDED', 'MODIFIED', 'DELETED'])
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].sort((a, b) => a - b),
    )
  },

  async 'is updated by its revision only'(subject, unique) {
    const { cluster, resource } = subject
    const made = await make(subject, unique)
    const labelled = { ...made, metadata: { ...made.metadata, labels: { ...made.metadata.labels, l: '1' } } }
    const updated = await cluster.client.update(resource, labelled)
    assert.equal(updated.metadata.labels?.['l'], '1')
    assert.equal(updated.metadata.uid, made.metadata.uid)
    assert.equal(updated.metadata.generation, made.metadata.generation, 'labels are not counted')
    await assert.rejects(cluster.client.update(resource, made), isConflict)
    const { resourceVersion: _, ...rest } = labelled.metadata
    const blind = cluster.client.update(resource, {
      ...labelled,
      metadata: { ...rest, labels: { l: '2' } },
    })
    if (resource.unconditionalUpdate === false) await assert.rejects(blind, /must be specified for an update/)
    else assert.equal((await blind).metadata.labels?.['l'], '2')
    const other = { ...updated, metadata: { ...rest, uid: 'other' } }
    await assert.rejects(cluster.client.update(resource, other), /409|Precondition failed: UID|must be specified/)
    await end(subject, made)
  },

  async 'is patched in four ways'(subject, unique) {
    const { cluster, resource } = subject
    const { client } = cluster
    const made = await make(subject, unique, { labels: { keep: 'me' } })
    const key = keyOf(made)
    const label = (value: string): object => ({ metadata: { labels: { how: value } } })
    const merged = await client.patch(resource, key, { type: 'merge', body: label('merge') })
    assert.deepEqual(pick(merged), { keep: 'me', how: 'merge' })
    const strategic = await client.patch(resource, key, { type: 'strategic', body: label('strategic') })
    assert.deepEqual(pick(strategic), { keep: 'me', how: 'strategic' })
    const operations = [
      { op: 'test', path: '/metadata/labels/how', value: 'strategic' },
      { op: 'remove', path: '/metadata/labels/how' },
    ]
    assert.deepEqual(pick(await client.patch(resource, key, { type: 'json', body: operations })), { keep: 'me' })
    const { name, namespace } = made.metadata
    const applied = {
      apiVersion: resource.apiVersion,
      kind: resource.kind,
      metadata: { name, ...(namespace ? { namespace } : {}), labels: { how: 'apply' } },
    }
    const after = await client.patch(resource, key, { type: 'apply', body: applied }, { fieldManager: 'applier' })
    assert.deepEqual(pick(after), { keep: 'me', how: 'apply' })
    const again = await client.patch(resource, key, { type: 'apply', body: applied }, { fieldManager: 'applier' })
    assert.deepEqual(again, after, 'applying the same again changes nothing')
    await end(subject, made)
  },

  async 'is kept in memory as its bytes read, whichever way it was written'(subject, unique) {
    const { cluster, resource } = subject
    const { client } = cluster
    const { status, change } = sampleOf(resource)
    const check = async (way: string): Promise<void> =>
      assert.deepEqual(await findDifferences(cluster.server.cacher), [], way)
    const made = await make(subject, unique, { labels: { keep: 'me' } })
    const key = keyOf(made)
    await check('created')
    await client.patch(resource, key, { type: 'merge', body: change })
    await check('patched')
    if (resource.subresources?.status) {
      await client.patch(resource, key, { type: 'merge', body: { status } }, { subresource: 'status' })
      await check('its status patched')
    }
    const { apiVersion, kind } = resource
    const body = { apiVersion, kind, metadata: { ...key, annotations: { how: 'apply' } } }
    const applied = await client.patch(resource, key, { type: 'apply', body }, { fieldManager: 'applier' })
    await check('applied')
    const labels = { ...applied.metadata.labels, how: 'update' }
    await client.update(resource, { ...applied, metadata: { ...applied.metadata, labels } })
    await check('updated')
    await end(subject, made)
  },

  async 'keeps status and the rest apart'(subject, unique) {
    const { cluster, resource } = subject
    const { status, change } = sampleOf(resource)
    const made = await make(subject, unique)
    const key = keyOf(made)
    if (!resource.subresources?.status) {
      const path = objectPath(resource, key, 'status')
      assert.equal((await callsTo(cluster.server.handle, ADMIN)('GET', path)).status, 404)
      return end(subject, made)
    }
    assert.ok(status, 'the sample has a status')
    const main = await cluster.client.patch(resource, key, { type: 'merge', body: { status } })
    assert.deepEqual(main, made, 'the main path drops status')
    const both = { ...change, status }
    const set = await cluster.client.patch(resource, key, { type: 'merge', body: both }, { subresource: 'status' })
    assert.notDeepEqual(set['status'], made['status'])
    if (!('metadata' in change)) assert.deepEqual(without(set), without(made), 'the status path changes nothing else')
    assert.equal(set.metadata.generation, made.metadata.generation)
    const kept = await cluster.client.update(resource, { ...set, status: {} })
    assert.deepEqual(kept['status'], set['status'], 'an update on the main path carries status over')
    await end(subject, made)
  },

  async 'counts the changes of what is wanted'(subject, unique) {
    const { cluster, resource } = subject
    const made = await make(subject, unique)
    const { change } = sampleOf(resource)
    const changed = await cluster.client.patch(resource, keyOf(made), { type: 'merge', body: change })
    assert.notEqual(changed.metadata.resourceVersion, made.metadata.resourceVersion)
    const counted = countsGenerations(resource) && !('metadata' in change)
    assert.equal(changed.metadata.generation, counted ? 2 : made.metadata.generation)
    await end(subject, made)
  },

  async 'waits for its finalizers'(subject, unique) {
    const { cluster, resource } = subject
    const made = await make(subject, unique, { finalizers: ['example.com/hold'] })
    const key = keyOf(made)
    await end(subject, made)
    const marked = await cluster.client.get(resource, key)
    assert.ok(marked.metadata.deletionTimestamp)
    const more = { metadata: { finalizers: ['example.com/hold', 'example.com/late'] } }
    await assert.rejects(
      cluster.client.patch(resource, key, { type: 'merge', body: more }),
      /no new finalizers can be added if the object is being deleted/,
    )
    await cluster.client.patch(resource, key, { type: 'merge', body: { metadata: { finalizers: null } } })
    assert.equal(await cluster.get(resource, key), undefined)
  },

  async 'is deleted under preconditions only'(subject, unique) {
    const { cluster, resource } = subject
    const made = await make(subject, unique)
    const key = keyOf(made)
    const { uid = '' } = made.metadata
    await assert.rejects(cluster.client.delete(resource, key, { preconditions: { uid: 'other' } }), isConflict)
    await assert.rejects(
      cluster.client.delete(resource, key, { preconditions: { uid, resourceVersion: '1' } }),
      isConflict,
    )
    assert.ok(await cluster.get(resource, key))
    await cluster.client.delete(resource, key, { dryRun: true })
    assert.equal((await cluster.client.get(resource, key)).metadata.deletionTimestamp, undefined)
    await end(subject, made)
    await assert.rejects(cluster.client.delete(resource, key), isNotFound)
  },

  async 'writes nothing in a dry run'(subject, unique) {
    const { cluster, resource } = subject
    const before = cluster.store.revision
    const dry = await cluster.client.create(resource, sampleObject(resource, unique), { dryRun: true })
    assert.ok(dry.metadata.uid)
    assert.equal(await cluster.get(resource, keyOf(dry)), undefined)
    assert.equal(cluster.store.revision, before)
    const made = await make(subject, unique)
    const body = sampleOf(resource).change
    const patched = await cluster.client.patch(resource, keyOf(made), { type: 'merge', body }, { dryRun: true })
    assert.notDeepEqual(patched, made)
    assert.deepEqual(await cluster.client.get(resource, keyOf(made)), made)
    await end(subject, made)
  },

  async 'is selected by labels and by name, and deleted by them'(subject, unique) {
    const { cluster, resource } = subject
    const where = inNamespace(resource)
    const made = []
    for (const color of ['red', 'green', 'blue'])
      made.push(await make(subject, `${unique}-${color}`, { labels: { color, batch: unique } }))
    const names = async (selectors: object): Promise<string[]> =>
      (await cluster.client.list(resource, { ...where, ...selectors })).items.map(
        (item) => item.metadata.labels?.['color'] ?? '',
      )
    const batch = `batch=${unique}`
    assert.deepEqual(await names({ labelSelector: batch }), ['blue', 'green', 'red'])
    assert.deepEqual(await names({ labelSelector: `${batch},color!=red` }), ['blue', 'green'])
    assert.deepEqual(await names({ labelSelector: `${batch},color in (red,blue)` }), ['blue', 'red'])
    const name = made[1]?.metadata.name ?? ''
    assert.deepEqual(await names({ fieldSelector: `metadata.name=${name}` }), ['green'])
    assert.deepEqual(await names({ labelSelector: batch, fieldSelector: `metadata.name!=${name}` }), ['blue', 'red'])
    await assert.rejects(names({ fieldSelector: 'no.such=field' }), /field label not supported: no.such/)
    if (sampleOf(resource).lingers) return
    await cluster.client.deleteCollection(resource, {
      ...where,
      labelSelector: `${batch},color!=red`,
      propagationPolicy: 'Background',
    })
    assert.deepEqual(await names({ labelSelector: batch }), ['red'])
    for (const object of made.slice(0, 1)) await end(subject, object)
  },

  async 'gets a generated name'(subject, unique) {
    const { cluster, resource } = subject
    if (sampleOf(resource).name) return
    const object = sampleObject(resource, unique, { name: undefined, generateName: `${unique}-` })
    const made = await cluster.client.create(resource, object)
    assert.match(made.metadata.name, new RegExp(`^${unique}-[a-z0-9]{5}$`))
    await end(subject, made)
  },

  async 'is shown as a table and as its metadata alone'(subject, unique) {
    const { cluster, resource } = subject
    const made = await make(subject, unique)
    const call = callsTo(cluster.server.handle, ADMIN)
    const as = (kind: string): { headers: Record<string, string> } => ({
      headers: { accept: `application/json;as=${kind};v=v1;g=meta.k8s.io` },
    })
    const path = objectPath(resource, keyOf(made))
    const { json: table } = await call('GET', path, as('Table'))
    const { columnDefinitions = [], rows = [] } = table as {
      columnDefinitions?: { format: string }[]
      rows?: { cells: unknown[] }[]
    }
    assert.equal(table['kind'], 'Table')
    assert.equal(rows[0]?.cells.length, columnDefinitions.length)
    const named = columnDefinitions.findIndex(({ format }) => format === 'name')
    assert.equal(rows[0]?.cells[named], made.metadata.name)
    const { json: partial } = await call('GET', path, as('PartialObjectMetadata'))
    const expected = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: made.metadata }
    assert.deepEqual(partial, expected)
    const list = await call('GET', collectionPath(resource, namespaceOf(resource)), as('PartialObjectMetadataList'))
    assert.equal(list.json['kind'], 'PartialObjectMetadataList')
    assert.ok((list.json['items'] as object[]).length > 0)
    await end(subject, made)
  },

  async 'travels as YAML and as protobuf'(subject, unique) {
    const { cluster, resource } = subject
    const made = await make(subject, unique)
    const key = keyOf(made)
    const call = callsTo(cluster.server.handle, ADMIN)
    const path = objectPath(resource, key)
    const forms = ['application/yaml', ...(resource.protobuf === false ? [] : ['application/vnd.kubernetes.protobuf'])]
    for (const form of forms) {
      const got = await call('GET', path, { headers: { accept: form } })
      assert.equal(got.status, 200)
      if (form.endsWith('protobuf'))
        assert.deepEqual(decodeProtobuf(resource.struct, got.bytes), JSON.parse(JSON.stringify(made, notEmpty)))
      const put = await call('PUT', path, { body: got.bytes, headers: { 'content-type': form } })
      assert.equal(put.status, 200, put.text)
      assert.deepEqual(put.json, made, `${form}: the same object changes nothing`)
    }
    await end(subject, made)
  },
}

/** Protobuf cannot tell an empty list from none. */
const notEmpty = (_: string, value: unknown): unknown =>
  Array.isArray(value) && value.length === 0 ? undefined : value

function pick({ metadata }: DeepReadonly<AnyObject>): object {
  const { keep, how } = metadata.labels ?? {}
  return { keep, ...(how === undefined ? {} : { how }) }
}

/** An object without its status and what every write changes. */
function without({ status: _, metadata, ...rest }: DeepReadonly<AnyObject>): object {
  const { resourceVersion: _revision, managedFields: _fields, ...kept } = metadata
  return { ...rest, metadata: kept }
}

function countsGenerations(resource: AnyResource): boolean {
  return resource.generation ?? ('spec' in resource.struct.fields && resource.subresources?.status === true)
}

/** A watch that never hears what it waits for must not hang the suite. */
const HANGS_MS = 30_000

/** Declares the tests of one kind; they share the cluster that `open` gives. */
export function resourceConformance(resource: AnyResource, open: () => TestCluster): void {
  describe(resource.kind, () => {
    Object.entries(CHECKS).forEach(([name, check], index) => {
      test(name, { timeout: HANGS_MS }, () => check({ cluster: open(), resource }, `t${index}-${resource.singular}`))
    })
  })
}
