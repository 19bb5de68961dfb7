import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../base/log.ts'
import { type ConfigMap, configMaps } from '../api/core/config-map.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import { VirtualClock } from '../testing/virtual-clock.ts'
import type { Client, ObjectEvent, ObjectList, ObjectSource } from './client.ts'
import { startInformer } from './informer.ts'

type Event = ObjectEvent<ConfigMap>

const managedFields = [{ manager: 'kubectl', operation: 'Update' as const, apiVersion: 'v1' }]
const map = (name: string, revision: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', resourceVersion: revision, managedFields },
})

/** An API server as far as an informer sees it: one list, and a watch that tells these events and then waits. */
function serving(list: ObjectList<ConfigMap>, events: readonly Event[]): Client {
  const told = async function* (signal: AbortSignal | undefined): AsyncGenerator<readonly Event[]> {
    yield events
    await new Promise((resolve) => signal?.addEventListener('abort', resolve))
  }
  const client = {
    list: () => Promise.resolve(list),
    watch: (_resource: unknown, { signal }: { signal?: AbortSignal }) => told(signal),
  }
  return client as unknown as Client
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('an informer keeps what gives objects of a server in this process, and parses none of them by itself again', async () => {
  let parsed = 0
  const source = (name: string, revision: string): ObjectSource<ConfigMap> => ({
    get object(): DeepReadonly<ConfigMap> {
      parsed++
      return map(name, revision)
    },
  })
  const event = (from: ObjectSource<ConfigMap>): Event => ({
    type: 'MODIFIED',
    source: from,
    get object() {
      return from.object
    },
  })
  const list: ObjectList<ConfigMap> = {
    resourceVersion: '2',
    sources: [source('a', '1'), source('b', '2')],
    get items(): never {
      throw new Error('nobody asks for all items at once')
    },
  }
  const client = serving(list, [event(source('a', '3'))])
  await using informer = startInformer({ client, resource: configMaps, clock: new VirtualClock(), log: silentLogger })
  await informer.synced
  await nextTurn()
  const before = parsed
  assert.equal(informer.get({ namespace: 'default', name: 'a' })?.metadata.resourceVersion, '3')
  assert.equal(informer.revision, '3')
  assert.equal(parsed, before + 1)
  assert.deepEqual(
    informer.list().map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`),
    ['a 3', 'b 2'],
  )
})

test('an informer of a server elsewhere keeps objects without what nobody reads in them', async () => {
  const client = serving({ resourceVersion: '1', items: [map('a', '1')] }, [{ type: 'ADDED', object: map('b', '2') }])
  const heard: unknown[] = []
  await using informer = startInformer({ client, resource: configMaps, clock: new VirtualClock(), log: silentLogger })
  informer.onChange(({ object }) => heard.push(object.metadata.managedFields))
  await informer.synced
  await nextTurn()
  assert.deepEqual(
    informer.list().map(({ metadata }) => [metadata.name, metadata.managedFields]),
    [
      ['a', undefined],
      ['b', undefined],
    ],
  )
  assert.deepEqual(heard, [undefined, undefined])
})
