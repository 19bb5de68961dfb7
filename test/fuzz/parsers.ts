// The parsers and codecs, called directly.

import { ALL_RESOURCES } from '../../src/api/all.ts'
import { pods } from '../../src/api/core/pod/pod.ts'
import { compile } from '../../src/apimachinery/cel/environment.ts'
import { DYN } from '../../src/apimachinery/cel/types.ts'
import { decode } from '../../src/apimachinery/decode.ts'
import { findDuplicateFields, parseDocument } from '../../src/apimachinery/json.ts'
import { syntaxFault } from '../../src/apimachinery/json-syntax.ts'
import { findJsonPath, parseJsonPath } from '../../src/apimachinery/jsonpath.ts'
import { applyJsonPatch } from '../../src/apimachinery/patch/json-patch.ts'
import { applyMergePatch } from '../../src/apimachinery/patch/merge-patch.ts'
import { applyStrategicMergePatch } from '../../src/apimachinery/patch/strategic.ts'
import { compilePattern } from '../../src/apimachinery/pattern.ts'
import { decodeEnvelope, decodeProtobuf, encodeProtobuf } from '../../src/apimachinery/protobuf/protobuf.ts'
import { canonicalQuantity } from '../../src/apimachinery/quantity.ts'
import type { Struct } from '../../src/apimachinery/schema.ts'
import { parseFieldSelector } from '../../src/apimachinery/selectors/fields.ts'
import { parseLabelSelector } from '../../src/apimachinery/selectors/labels.ts'
import { decodeYamlDocuments, encodeYaml } from '../../src/apimachinery/yaml.ts'
import { parseReference } from '../../src/oci/reference.ts'
import { parseSize } from '../../src/streams/remote-command/session.ts'
import { type Target, texts } from './target.ts'

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'web',
    namespace: 'default',
    labels: { app: 'web' },
    finalizers: ['example.com/a'],
    annotations: { a: 'b' },
  },
  spec: {
    containers: [
      {
        name: 'c',
        image: 'nginx',
        args: ['-x'],
        ports: [{ containerPort: 80 }, { containerPort: 53, protocol: 'UDP' }],
        env: [{ name: 'A', value: '1' }],
        resources: { requests: { cpu: '100m', memory: '64Mi' } },
        livenessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 3 },
      },
    ],
    tolerations: [{ key: 'a', operator: 'Exists' }],
    nodeSelector: { zone: 'x' },
  },
  status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
}
const podJson = JSON.stringify(pod)
const struct: Struct = pods.struct
/** Read with the schema of each of these, from the first byte's choice. */
const structs: readonly Struct[] = ALL_RESOURCES.map((resource) => resource.struct)

const jsonPatch = JSON.stringify([
  { op: 'test', path: '/metadata/name', value: 'web' },
  { op: 'add', path: '/metadata/labels/x~1y', value: 'z' },
  { op: 'replace', path: '/spec/containers/0/image', value: 'x' },
  { op: 'remove', path: '/spec/tolerations/0' },
  { op: 'copy', from: '/spec/containers/0', path: '/spec/containers/-' },
  { op: 'move', from: '/metadata/annotations/a', path: '/metadata/annotations/b' },
])
const strategicPatch = JSON.stringify({
  metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'], labels: { $patch: 'replace', a: 'b' } },
  spec: {
    '$setElementOrder/containers': [{ name: 'd' }, { name: 'c' }],
    containers: [
      { name: 'c', $patch: 'delete' },
      { name: 'd', $retainKeys: ['name', 'image'], image: 'y' },
    ],
    tolerations: [{ $patch: 'replace' }],
  },
})

const utf8 =
  (read: (text: string) => unknown): Target['run'] =>
  (bytes) =>
    read(bytes.toString())

const texted: readonly Target[] = [
  {
    name: 'JSON',
    seeds: texts(podJson, '[1,-2.5e3,"\\u00e9\\n",null,true]', '{"a":{"a":1,"a":2}}'),
    run: (bytes) => [syntaxFault(bytes), parseDocument(bytes), findDuplicateFields(bytes)],
  },
  {
    name: 'YAML',
    seeds: texts(
      encodeYaml(pod),
      'a: &x {b: 1}\nc: *x\nd:\n- |\n  text\n- >-\n  folded\n---\n"e": !!str 1\n',
      '? {a: 1}\n: [1, 0o7, 0x1f, .inf, ~]\n',
    ),
    run: (bytes) => decodeYamlDocuments(bytes).map(({ value }) => encodeYaml(value)),
  },
  {
    name: 'an object by its schema',
    seeds: ALL_RESOURCES.map(({ apiVersion, kind }, i) =>
      Buffer.from(`${String.fromCharCode(i)}${JSON.stringify({ ...pod, apiVersion, kind })}`),
    ),
    run: (bytes) =>
      decode(structs[(bytes[0] ?? 0) % structs.length] ?? struct, parseDocument(bytes.subarray(1)).value, {
        unknownFields: 'strict',
      }),
  },
  {
    name: 'JSON patch',
    seeds: texts(jsonPatch),
    run: (bytes) => applyJsonPatch(structuredClone(pod), parseDocument(bytes).value),
  },
  {
    name: 'merge patch',
    seeds: texts('{"metadata":{"labels":{"app":null,"x":"y"}},"spec":null}', podJson),
    run: (bytes) => applyMergePatch(structuredClone(pod), parseDocument(bytes).value),
  },
  {
    name: 'strategic merge patch',
    seeds: texts(strategicPatch, podJson),
    run: (bytes) => applyStrategicMergePatch(struct, structuredClone(pod), parseDocument(bytes).value),
  },
  {
    name: 'label selector',
    seeds: texts('app=web,tier!=db,env in (a, b),x notin (c),!gone,here,n>3,m<4', 'example.com/a==b'),
    run: utf8((text) => parseLabelSelector(text).matches({ app: 'web', n: '4' })),
  },
  {
    name: 'field selector',
    seeds: texts('metadata.name=a,status.phase!=Running,spec.x==a\\,b\\=c\\\\'),
    run: utf8(parseFieldSelector),
  },
  {
    name: 'JSONPath',
    seeds: texts(
      '{.spec.containers[0].image}',
      '$.status.conditions[?(@.type=="Ready")].status',
      '.metadata.labels.a\\.b',
      "{..name['x'][0:2:-1]}",
    ),
    run: utf8((text) => findJsonPath(parseJsonPath(text), pod)),
  },
  {
    name: 'quantity',
    seeds: texts('100m', '1.5Gi', '-2e-3', '1E6', '0.0000000001', '128974848', '12e6Ki'),
    run: utf8(canonicalQuantity),
  },
  {
    name: 'pattern',
    seeds: texts(
      '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      '(?i)(a|b){2,5}?\\d+[^\\s[:alpha:]]',
      '(a*)*b',
      '\\pL\\x{41}\\Qa.b\\E',
    ),
    run: utf8((text) => compilePattern(text).test('a'.repeat(200))),
  },
  {
    name: 'CEL',
    seeds: texts(
      'self.spec.replicas <= self.spec.max && has(self.a) ? size(self.list) > 3 : "x" in self.map',
      'self.all(x, x.startsWith("a") || x.matches("^[0-9]+$")).map(y, y * 2u)[0]',
      "duration('1h') + timestamp('2020-01-01T00:00:00Z') == quantity('1Gi') || b'\\xff' == r'\\n' + '''x'''",
      '{1: [1.5, -2, 0x1F], "a": null}.exists(k, k == 1) && optional.of(1).orValue(2) == 1',
    ),
    run: utf8((text) => {
      const environment = { variables: new Map([['self', DYN]]), fieldsOf: () => undefined }
      return compile(text, environment).program.run(['a'], 100_000)
    }),
  },
  {
    name: 'image reference',
    seeds: texts(`registry.example.com:5000/a/b:1.2@sha256:${'a'.repeat(64)}`, 'nginx'),
    run: utf8(parseReference),
  },
  { name: 'terminal size', seeds: texts('{"Width":80,"Height":24}'), run: utf8(parseSize) },
]

const binary: readonly Target[] = [
  {
    name: 'protobuf object',
    seeds: [encodeProtobuf(struct, { apiVersion: 'v1', kind: 'Pod' }, pod)],
    run: (bytes) => decodeProtobuf(struct, bytes),
  },
  {
    name: 'protobuf envelope',
    seeds: [encodeProtobuf(struct, { apiVersion: 'v1', kind: 'Pod' }, pod)],
    run: (bytes) => decodeEnvelope(bytes),
  },
]

export const parserTargets: readonly Target[] = [...texted, ...binary]
