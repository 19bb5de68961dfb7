// What an old version can say is kept by the stored version, and read back from it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decode } from '../apimachinery/decode.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import { cloneJson, isObject } from '../apimachinery/objects.ts'
import type { Struct } from '../apimachinery/schema.ts'
import { arbitraryOf } from '../apimachinery/testing-arbitrary.ts'
import { VIEWS } from './all.ts'

const decoded = (struct: Struct, object: unknown): AnyObject =>
  decode(struct, object, { unknownFields: 'strict' }).value as AnyObject

/** Whether all that `part` says is said by `whole` in the same words. */
function says(whole: unknown, part: unknown, at = ''): void {
  if (Array.isArray(part)) {
    assert.ok(Array.isArray(whole) && whole.length === part.length, at)
    part.forEach((item, i) => {
      says(whole[i], item, `${at}[${i}]`)
    })
  } else if (isObject(part)) {
    assert.ok(isObject(whole) || Object.keys(part).length === 0, at)
    if (isObject(whole)) for (const [key, value] of Object.entries(part)) says(whole[key], value, `${at}.${key}`)
  } else assert.deepEqual(whole || 0, part || 0, at)
}

/** The object as it is stored, with the defaults of its own version alone. */
function stored(object: { apiVersion: string; kind: string }): AnyObject {
  const view = VIEWS.find(({ resource }) => resource.apiVersion === object.apiVersion && resource.kind === object.kind)
  assert.ok(view, object.apiVersion)
  const { apiVersion, kind, ...said } = object
  const given = decoded(view.resource.struct as Struct, { apiVersion, kind, metadata: {}, ...said })
  const { apiVersion: _, kind: __, ...kept } = decoded(view.hub.struct as Struct, view.toHub(given))
  return kept as AnyObject
}

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [] } }
const shaped = {
  metadata: { labels: { app: 'web' } },
  selector: { matchLabels: { app: 'web' } },
}
const emptyMatch = (operator: string): object => ({
  matchExpressions: [{ key: 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match', operator }],
})

describe('what is said in an old version is stored', () => {
  const cases: Record<string, [given: { apiVersion: string; kind: string; [field: string]: unknown }, want: object]> = {
    'backends by name and number of a port': [
      {
        apiVersion: 'networking.k8s.io/v1beta1',
        kind: 'Ingress',
        spec: {
          backend: { serviceName: 'a', servicePort: 'http' },
          rules: [
            {
              http: {
                paths: [
                  { path: '/', backend: { serviceName: 'b', servicePort: 80 } },
                  { pathType: 'Exact', backend: { resource: { kind: 'Bucket', name: 'c' } } },
                ],
              },
            },
          ],
        },
      },
      {
        metadata: {},
        spec: {
          defaultBackend: { service: { name: 'a', port: { name: 'http' } } },
          rules: [
            {
              http: {
                paths: [
                  {
                    path: '/',
                    pathType: 'ImplementationSpecific',
                    backend: { service: { name: 'b', port: { number: 80 } } },
                  },
                  { pathType: 'Exact', backend: { resource: { kind: 'Bucket', name: 'c' } } },
                ],
              },
            },
          ],
        },
      },
    ],
    'protocols in small letters': [
      {
        apiVersion: 'extensions/v1beta1',
        kind: 'NetworkPolicy',
        spec: { podSelector: {}, egress: [{ ports: [{ protocol: 'Udp' }, { protocol: 'icmp' }] }] },
      },
      {
        metadata: {
          annotations: { 'deprecated.networkpolicy.protocol.spellings': '{"egress[0].ports[0]":"Udp"}' },
        },
        spec: { podSelector: {}, egress: [{ ports: [{ protocol: 'UDP' }, { protocol: 'icmp' }] }] },
      },
    ],
    'a daemon set that counts its templates': [
      { apiVersion: 'extensions/v1beta1', kind: 'DaemonSet', spec: { template, templateGeneration: 3 } },
      {
        metadata: { ...shaped.metadata, annotations: { 'deprecated.daemonset.template.generation': '3' } },
        spec: { selector: shaped.selector, template, updateStrategy: { type: 'OnDelete' } },
      },
    ],
    'a replica set that selects by its template': [
      { apiVersion: 'extensions/v1beta1', kind: 'ReplicaSet', metadata: { labels: { a: 'b' } }, spec: { template } },
      { metadata: { labels: { a: 'b' } }, spec: { selector: shaped.selector, template } },
    ],
    'a stateful set that waits for deletions': [
      { apiVersion: 'apps/v1beta1', kind: 'StatefulSet', spec: { template } },
      {
        metadata: shaped.metadata,
        spec: { selector: shaped.selector, template, updateStrategy: { type: 'OnDelete' } },
      },
    ],
    'a budget for no pods': [
      { apiVersion: 'policy/v1beta1', kind: 'PodDisruptionBudget', spec: { minAvailable: 1, selector: {} } },
      { metadata: {}, spec: { minAvailable: 1, selector: emptyMatch('Exists') } },
    ],
    'a budget for all pods': [
      {
        apiVersion: 'policy/v1beta1',
        kind: 'PodDisruptionBudget',
        spec: { minAvailable: 1, selector: emptyMatch('DoesNotExist') },
      },
      { metadata: {}, spec: { minAvailable: 1, selector: {} } },
    ],
    'the topology of endpoints': [
      {
        apiVersion: 'discovery.k8s.io/v1beta1',
        kind: 'EndpointSlice',
        addressType: 'IPv4',
        endpoints: [
          {
            addresses: ['10.0.0.1'],
            nodeName: 'n',
            topology: { 'topology.kubernetes.io/zone': 'z', 'kubernetes.io/hostname': 'n', rack: '1' },
          },
        ],
      },
      {
        metadata: {},
        addressType: 'IPv4',
        endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'n', zone: 'z', deprecatedTopology: { rack: '1' } }],
      },
    ],
    'a definition that says everything once': [
      {
        apiVersion: 'apiextensions.k8s.io/v1beta1',
        kind: 'CustomResourceDefinition',
        spec: {
          group: 'example.com',
          version: 'v1',
          names: { plural: 'widgets', kind: 'Widget' },
          validation: { openAPIV3Schema: { properties: { spec: { required: ['size'] } } } },
          subresources: { status: {} },
          additionalPrinterColumns: [{ name: 'Size', type: 'string', JSONPath: '.spec.size' }],
          conversion: { strategy: 'Webhook', webhookClientConfig: { url: 'https://a/b' } },
        },
      },
      {
        metadata: {},
        spec: {
          group: 'example.com',
          names: { plural: 'widgets', kind: 'Widget' },
          scope: 'Namespaced',
          preserveUnknownFields: true,
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { properties: { spec: { required: ['size'] } } } },
              subresources: { status: {} },
              additionalPrinterColumns: [{ name: 'Size', type: 'string', jsonPath: '.spec.size' }],
            },
          ],
          conversion: {
            strategy: 'Webhook',
            webhook: { clientConfig: { url: 'https://a/b' }, conversionReviewVersions: ['v1beta1'] },
          },
        },
      },
    ],
    'what an event is about': [
      {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        regarding: { kind: 'Pod', name: 'web' },
        note: 'It started.',
        reportingController: 'me',
        deprecatedCount: 2,
      },
      {
        metadata: {},
        involvedObject: { kind: 'Pod', name: 'web' },
        message: 'It started.',
        reportingComponent: 'me',
        count: 2,
      },
    ],
  }
  for (const [name, [given, want]] of Object.entries(cases)) {
    test(name, () => {
      assert.deepEqual(stored(given), want)
    })
  }
})

/** They may say the same in two places, and are shown with it in one. */
const REGROUPED = new Set(['CustomResourceDefinition'])

describe('every view', () => {
  for (const view of VIEWS) {
    const { apiVersion, kind, struct } = view.resource
    test(`${apiVersion} ${kind} is kept and read back`, () => {
      fc.assert(
        fc.property(arbitraryOf(struct as Struct), (object) => {
          const given = { ...object, apiVersion, kind, metadata: object['metadata'] ?? {} }
          const stored = view.convert(cloneJson(given) as unknown as AnyObject)
          assert.equal(stored.apiVersion, view.hub.apiVersion)
          const kept = decoded(view.hub.struct as Struct, stored)
          const shown = decoded(struct as Struct, view.fromHub(kept))
          if (!REGROUPED.has(kind)) says(shown, given)
          const again = view.fromHub(decoded(view.hub.struct as Struct, view.convert(cloneJson(shown))))
          assert.deepEqual(decoded(struct as Struct, again), shown)
        }),
        { numRuns: 40 },
      )
    })
  }
})
