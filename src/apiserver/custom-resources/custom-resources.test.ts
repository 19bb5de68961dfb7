// Definitions come, change and go; what they define is served meanwhile, and not longer.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../base/log.ts'
import {
  type CustomResourceDefinition,
  customResourceDefinitions,
} from '../../api/apiextensions/custom-resource-definition.ts'
import { ADMIN, startCluster, type TestCluster } from '../../testing/cluster.ts'
import { type Call, callsTo } from '../../testing/http.ts'
import { Conversions } from './conversions.ts'
import { type CustomResources, startCustomResources } from './custom-resources.ts'

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const OBJECTS = '/apis/example.com/v1/namespaces/default/gadgets'

const spec = {
  type: 'object',
  properties: { size: { type: 'integer', minimum: 1 }, color: { type: 'string', default: 'red' } },
}
const status = { type: 'object', properties: { ready: { type: 'boolean' }, replicas: { type: 'integer' } } }
const schema = { openAPIV3Schema: { type: 'object', properties: { spec, status } } }

interface DefinitionOptions {
  plural?: string
  kind?: string
  shortNames?: string[]
  versions?: object[]
  conversion?: object
}

const v1 = {
  name: 'v1',
  served: true,
  storage: true,
  schema,
  subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.replicas' } },
  additionalPrinterColumns: [
    { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
    { name: 'Since', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
  selectableFields: [{ jsonPath: '.spec.color' }],
}

function definition(options: DefinitionOptions = {}): object {
  const { plural = 'gadgets', kind = 'Gadget', shortNames = ['gd'], versions = [v1], conversion } = options
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      names: { plural, kind, shortNames, categories: ['all'] },
      scope: 'Namespaced',
      versions,
      ...(conversion ? { conversion } : {}),
    },
  }
}

interface Setting extends AsyncDisposable {
  cluster: TestCluster
  custom: CustomResources
  call: Call
  /** The conditions of a definition, as `type=status reason`. */
  conditions(name?: string): Promise<string[]>
}

/** The keeper of these tests is their own, so that they can stop it. */
const OWN_KEEPER = { serviceCIDR: '10.96.0.0/16', customResources: false }

/** Conversion by webhook has tests of its own. */
function noConversions({ clock, random }: TestCluster): Conversions {
  const call = (): Promise<Buffer> => Promise.reject(new Error('no webhook is called here'))
  return new Conversions({ call, clock, random, log: silentLogger })
}

async function setUp(): Promise<Setting> {
  const cluster = await startCluster({ server: { ...OWN_KEEPER } })
  const { clock, random, store, server } = cluster
  const core = { store, cacher: server.cacher, clock, random, admission: [], hooks: [] }
  const conversions = noConversions(cluster)
  const custom = await startCustomResources({ registry: server.registry, core, clock, log: silentLogger, conversions })
  const call = callsTo(server.handle, ADMIN)
  return {
    cluster,
    custom,
    call,
    async conditions(name = 'gadgets.example.com') {
      const found = (await cluster.get(customResourceDefinitions, { name })) as CustomResourceDefinition | undefined
      return (found?.status?.conditions ?? []).map((c) => `${c.type}=${c.status} ${c.reason}`)
    },
    async [Symbol.asyncDispose]() {
      await custom[Symbol.asyncDispose]()
      await cluster[Symbol.asyncDispose]()
    },
  }
}

function gadget(name: string, fields: object = {}, version = 'v1'): object {
  return { apiVersion: `example.com/${version}`, kind: 'Gadget', metadata: { name }, ...fields }
}

async function define(setting: Setting, options?: DefinitionOptions): Promise<void> {
  const made = await setting.call('POST', DEFINITIONS, { body: definition(options) })
  assert.equal(made.status, 201, made.text)
  await setting.custom.settled()
}

test('a definition is established, and its objects are decoded, defaulted, checked and shown', async () => {
  await using setting = await setUp()
  const { call, conditions } = setting
  assert.equal((await call('GET', OBJECTS)).status, 404)
  await define(setting)
  assert.deepEqual(await conditions(), ['NamesAccepted=True NoConflicts', 'Established=True InitialNamesAccepted'])
  const found = (await call('GET', `${DEFINITIONS}/gadgets.example.com`)).json['status'] as Record<string, unknown>
  assert.deepEqual(found['acceptedNames'], {
    plural: 'gadgets',
    singular: 'gadget',
    shortNames: ['gd'],
    kind: 'Gadget',
    listKind: 'GadgetList',
    categories: ['all'],
  })
  assert.deepEqual(found['storedVersions'], ['v1'])

  const made = await call('POST', OBJECTS, {
    body: gadget('a', { spec: { size: 3, unknown: 1 }, status: { ready: true } }),
  })
  assert.equal(made.status, 201, made.text)
  assert.deepEqual(made.json['spec'], { size: 3, color: 'red' })
  assert.equal(made.json['status'], undefined)
  const refused = await call('POST', OBJECTS, { body: gadget('b', { spec: { size: 0 } }) })
  assert.equal(refused.status, 422)
  assert.equal(
    refused.json['message'],
    'Gadget.example.com "b" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1',
  )
  const patched = await call('PATCH', `${OBJECTS}/a`, {
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { spec: { color: 'blue' } },
  })
  assert.equal((patched.json['metadata'] as { generation: number }).generation, 2)
  const selected = await call('GET', `${OBJECTS}?fieldSelector=spec.color%3Dblue`)
  assert.equal((selected.json['items'] as unknown[]).length, 1)
  const scale = await call('GET', `${OBJECTS}/a/scale`)
  assert.deepEqual(scale.json['spec'], { replicas: 3 })
  const scaled = await call('PATCH', `${OBJECTS}/a/scale`, {
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { spec: { replicas: 4 } },
  })
  assert.deepEqual([scaled.status, scaled.json['spec']], [200, { replicas: 4 }])
  const table = await call('GET', OBJECTS, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } })
  const columns = table.json['columnDefinitions'] as { name: string }[]
  assert.deepEqual(
    columns.map((c) => c.name),
    ['Name', 'Size', 'Since'],
  )
  assert.deepEqual((table.json['rows'] as { cells: unknown[] }[])[0]?.cells, ['a', 4, '0s'])
  const resources = (await call('GET', '/apis/example.com/v1')).json['resources'] as { name: string }[]
  assert.deepEqual(
    resources.map((r) => r.name),
    ['gadgets', 'gadgets/scale', 'gadgets/status'],
  )
  const paths = (await call('GET', '/openapi/v3')).json['paths'] as object
  assert(Object.hasOwn(paths, 'apis/example.com/v1'))
})

test('names belong to the first who asks, and are free when it goes', async () => {
  await using setting = await setUp()
  const { call, conditions, custom } = setting
  await define(setting)
  await define(setting, { plural: 'widgets', kind: 'Gadget', shortNames: ['gd', 'wd'] })
  assert.deepEqual(await conditions('widgets.example.com'), [
    'NamesAccepted=False ListKindConflict',
    'Established=False NotAccepted',
  ])
  assert.equal((await call('GET', '/apis/example.com/v1/widgets')).status, 404)
  await call('DELETE', `${DEFINITIONS}/gadgets.example.com`)
  await custom.settled()
  assert.deepEqual(await conditions('widgets.example.com'), [
    'NamesAccepted=True NoConflicts',
    'Established=True InitialNamesAccepted',
  ])
  assert.equal((await call('GET', '/apis/example.com/v1/widgets')).status, 200)
})

test('versions show the same objects, each by its own schema', async () => {
  await using setting = await setUp()
  const { call, custom } = setting
  const narrow = {
    type: 'object',
    properties: { size: { type: 'integer' }, shape: { type: 'string', default: 'round' } },
  }
  const old = {
    name: 'v1beta1',
    served: true,
    storage: false,
    deprecated: true,
    schema: { openAPIV3Schema: { type: 'object', properties: { spec: narrow } } },
  }
  await define(setting, { versions: [old, v1] })
  await call('POST', OBJECTS, { body: gadget('a', { spec: { size: 1, color: 'blue' } }) })
  const OLD = OBJECTS.replace('v1/', 'v1beta1/')
  const read = await call('GET', `${OLD}/a`)
  assert.equal(read.json['apiVersion'], 'example.com/v1beta1')
  assert.deepEqual(read.json['spec'], { size: 1, shape: 'round' })
  const made = await call('POST', OLD, { body: gadget('b', { spec: { size: 2 } }, 'v1beta1') })
  assert.equal(made.status, 201, made.text)
  assert.match(String(made.headers['warning']), /example.com\/v1beta1 Gadget is deprecated/)
  const list = await call('GET', OBJECTS)
  const items = list.json['items'] as { apiVersion: string; spec: object }[]
  assert.deepEqual(
    items.map((i) => [i.apiVersion, i.spec]),
    [
      ['example.com/v1', { size: 1, color: 'blue' }],
      ['example.com/v1', { size: 2, color: 'red' }],
    ],
  )
  // A version that is no longer served is gone; the objects stay.
  const now = await call('GET', `${DEFINITIONS}/gadgets.example.com`)
  const body = { ...now.json, spec: { ...(now.json['spec'] as object), versions: [{ ...old, served: false }, v1] } }
  assert.equal((await call('PUT', `${DEFINITIONS}/gadgets.example.com`, { body })).status, 200)
  await custom.settled()
  assert.equal((await call('GET', OLD)).status, 404)
  assert.equal(((await call('GET', OBJECTS)).json['items'] as unknown[]).length, 2)
})

test('objects go before their definition, which waits for those that are held', async () => {
  await using setting = await setUp()
  const { call, conditions, cluster, custom } = setting
  await define(setting)
  await call('POST', OBJECTS, { body: gadget('free') })
  const held = {
    apiVersion: 'example.com/v1',
    kind: 'Gadget',
    metadata: { name: 'held', finalizers: ['example.com/x'] },
  }
  await call('POST', OBJECTS, { body: held })
  const answer = await call('DELETE', `${DEFINITIONS}/gadgets.example.com`)
  assert.equal(answer.status, 200)
  await custom.settled()
  assert.deepEqual((await conditions()).at(-1), 'Terminating=True InstanceDeletionInProgress')
  const left = (await call('GET', OBJECTS)).json['items'] as { metadata: { name: string } }[]
  assert.deepEqual(
    left.map((i) => i.metadata.name),
    ['held'],
  )
  assert.equal((await call('POST', OBJECTS, { body: gadget('late') })).status, 405)
  const patch = {
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { metadata: { finalizers: null } },
  }
  assert.equal((await call('PATCH', `${OBJECTS}/held`, patch)).status, 200)
  await cluster.advance('2s')
  await custom.settled()
  assert.equal((await call('GET', `${DEFINITIONS}/gadgets.example.com`)).status, 404)
  assert.equal((await call('GET', OBJECTS)).status, 404)
  assert.equal((await call('GET', '/apis/example.com')).status, 404)
  // Coming back, it begins with nothing.
  await define(setting)
  assert.deepEqual((await call('GET', OBJECTS)).json['items'], [])
})

test('what was defined before a restart is served after it, and a deletion goes on', async () => {
  await using setting = await setUp()
  const { call, cluster, custom } = setting
  await define(setting)
  await call('POST', OBJECTS, { body: gadget('a') })
  await custom[Symbol.asyncDispose]()
  const { clock, random, store, server } = cluster
  await call('DELETE', `${DEFINITIONS}/gadgets.example.com`)
  const core = { store, cacher: server.cacher, clock, random, admission: [], hooks: [] }
  const conversions = noConversions(cluster)
  await using again = await startCustomResources({
    registry: server.registry,
    core,
    clock,
    log: silentLogger,
    conversions,
  })
  await again.settled()
  assert.equal((await call('GET', `${DEFINITIONS}/gadgets.example.com`)).status, 404)
})

test('a definition cannot take the place of a kind of the server', async () => {
  await using setting = await setUp()
  const { call, custom, cluster, conditions } = setting
  const made = await call('POST', DEFINITIONS, {
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: {
        name: 'roles.rbac.authorization.k8s.io',
        annotations: { 'api-approved.kubernetes.io': 'https://example.com' },
      },
      spec: {
        group: 'rbac.authorization.k8s.io',
        names: { plural: 'roles', kind: 'Role' },
        scope: 'Namespaced',
        versions: [{ ...v1, name: 'v9' }],
      },
    },
  })
  assert.equal(made.status, 201, made.text)
  await custom.settled()
  assert.equal(cluster.server.registry.get('rbac.authorization.k8s.io', 'v9', 'roles'), undefined)
  assert.equal(
    (await conditions('roles.rbac.authorization.k8s.io')).at(-1),
    'KubernetesAPIApprovalPolicyConformant=True ApprovedAnnotation',
  )
})
