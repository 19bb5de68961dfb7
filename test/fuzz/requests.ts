// The API server's function under requests that began as valid ones: each is answered, and never with a fault of the server's own.

import { pods } from '../../src/api/core/pod/pod.ts'
import { encodeProtobuf } from '../../src/apimachinery/protobuf/protobuf.ts'
import { ADMIN, type TestCluster } from '../../src/testing/cluster.ts'
import { type Call, callsTo } from '../../src/testing/http.ts'
import { type Target, texts } from './target.ts'

const MAPS = '/api/v1/namespaces/default/configmaps'
const PODS = '/api/v1/namespaces/default/pods'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'there', labels: { a: 'b' } }, data: { a: 'b' } }
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'x', resources: { limits: { cpu: '1' } } }] },
}
const labels = { app: 'd' }
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: pod.spec } },
}
const schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        n: { type: 'integer', minimum: 1, default: 2 },
        s: { type: 'string', pattern: '^a+$', maxLength: 9 },
      },
      'x-kubernetes-validations': [{ rule: 'self.n < 9', message: 'too many' }],
    },
  },
}
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'things.example.com' },
  spec: {
    group: 'example.com',
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: schema },
        additionalPrinterColumns: [{ name: 'N', type: 'integer', jsonPath: '.spec.n' }],
      },
    ],
  },
}
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const token = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 3, start: 'default/there' })).toString('base64url')

/** Nothing is kept of what is written, except by the targets that say so: the next input finds the same server. */
export function requestTargets({ server }: TestCluster): Target[] {
  const call: Call = callsTo(server.handle, ADMIN)
  const send = (method: string, path: string, contentType: string) => async (body: Buffer) =>
    refuseFault(body, await call(method, path, { body, headers: { 'content-type': contentType } }))
  const ask = (path: string, parameter: string) => async (bytes: Buffer) =>
    refuseFault(bytes, await call('GET', `${path}?${parameter}=${encodeURIComponent(bytes.toString())}&limit=2`))
  const dry = '?dryRun=All&fieldManager=fuzz'
  const patch = `${MAPS}/there${dry}`
  return [
    { name: 'POST JSON', seeds: [json(map)], run: send('POST', MAPS + dry, 'application/json') },
    { name: 'POST a pod', seeds: [json(pod)], run: send('POST', PODS + dry, 'application/json') },
    { name: 'POST a deployment', seeds: [json(deployment)], run: send('POST', DEPLOYMENTS + dry, 'application/json') },
    { name: 'POST a definition', seeds: [json(definition)], run: send('POST', DEFINITIONS + dry, 'application/json') },
    {
      name: 'POST YAML',
      seeds: texts('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: y\ndata: {a: "b"}\n'),
      run: send('POST', MAPS + dry, 'application/yaml'),
    },
    {
      name: 'POST protobuf',
      seeds: [encodeProtobuf(pods.struct, pod, pod)],
      run: send('POST', PODS + dry, 'application/vnd.kubernetes.protobuf'),
    },
    {
      name: 'PATCH with operations',
      seeds: [
        json([
          { op: 'add', path: '/data/x', value: 'y' },
          { op: 'remove', path: '/metadata/labels/a' },
        ]),
      ],
      run: send('PATCH', patch, 'application/json-patch+json'),
    },
    {
      name: 'PATCH by merging',
      seeds: [json({ data: { a: null, b: 'c' } })],
      run: send('PATCH', patch, 'application/merge-patch+json'),
    },
    {
      name: 'PATCH strategically',
      seeds: [
        json({ metadata: { finalizers: ['example.com/x'], $patch: 'merge' }, data: { $retainKeys: ['b'], b: 'c' } }),
      ],
      run: send('PATCH', patch, 'application/strategic-merge-patch+json'),
    },
    {
      name: 'apply',
      seeds: [json(map), ...texts('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: there\ndata:\n  z: "1"\n')],
      run: send('PATCH', patch, 'application/apply-patch+yaml'),
    },
    { name: 'labelSelector', seeds: texts('a=b,c!=d', 'a in (b,c),!d'), run: ask(MAPS, 'labelSelector') },
    {
      name: 'fieldSelector',
      seeds: texts('metadata.name=there,metadata.namespace!=x'),
      run: ask(MAPS, 'fieldSelector'),
    },
    { name: 'continue', seeds: texts(token), run: ask(MAPS, 'continue') },
    {
      name: 'a path',
      seeds: texts(`${MAPS}/there`, `${PODS}/p/log`, '/openapi/v3/apis/apps/v1', '/apis/apps'),
      run: async (bytes) => refuseFault(bytes, await call('GET', `/${bytes.toString()}`)),
    },
  ]
}

function refuseFault(bytes: Buffer, { status, text }: { status: number; text: string }): void {
  // 501, 503 and 504 are said on purpose; 500 is what a fault ends as.
  if (status === 500) throw new TypeError(`500 for ${JSON.stringify(bytes.toString())}: ${text}`)
}
