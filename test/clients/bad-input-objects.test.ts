// Objects that are wrong, word for word: code, reason, message and details as Kubernetes gives them, and nothing written.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Answer, callsTo } from '../../src/testing/http.ts'
import { ADMIN, startCluster, type TestCluster } from '../../src/testing/cluster.ts'

const CORE = '/api/v1/namespaces/default'
const MAPS = `${CORE}/configmaps`
const PODS = `${CORE}/pods`
const SECRETS = `${CORE}/secrets`
const SERVICES = `${CORE}/services`
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const MIB = 1024 * 1024

const object = (kind: string, name: string, more: object = {}): object => ({
  ...{ apiVersion: 'v1', kind, metadata: { name } },
  ...more,
})
const map = (name: string, more: object = {}): object => object('ConfigMap', name, more)
const pod = (spec: object = {}, name = 'x'): object =>
  object('Pod', name, { spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })
const service = (port: object = {}, name = 'x'): object =>
  object('Service', name, { spec: { ports: [{ port: 80, ...port }] } })
const deployment = (spec: object = {}, name = 'd'): object => {
  const template = { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const whole = { selector: { matchLabels: { app: 'd' } }, template, ...spec }
  return { ...object('Deployment', name, { spec: whole }), apiVersion: 'apps/v1' }
}
const large = {
  template: { spec: { containers: [{ name: 'c', image: 'i', env: [{ name: 'A', value: 'x'.repeat(1.6 * MIB) }] }] } },
}

interface Case {
  method?: string
  path: string
  body?: unknown
  type?: string
  code: number
  reason?: string
  message: string
  details?: object
}

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const LABEL_VALUE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const JSON_FAULT = "couldn't get version/kind; json parse error:"
const NAMED = String.raw`struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`
const text = (body: string): Buffer => Buffer.from(body)

const bad = (path: string, body: unknown, message: string, more: Partial<Case> = {}): Case => ({
  ...{ path, body, message, code: 400, reason: 'BadRequest' },
  ...more,
})
/** One field of a new or changed object. */
const invalid = (
  path: string,
  body: unknown,
  [whose, field, message]: [string, string, string],
  more: Partial<Case> = {},
): Case => {
  const [qualified = '', name = ''] = whose.split(' ')
  const [kind = '', group] = qualified.split('.')
  const reasons: Record<string, string> = { Forbidden: 'FieldValueForbidden', 'Too long': 'FieldValueTooLong' }
  const cause = { reason: reasons[message.split(':')[0] ?? ''] ?? 'FieldValueInvalid', message, field }
  const details = { name, ...(group === undefined ? {} : { group }), kind, causes: [cause] }
  return {
    ...{ path, body, code: 422, reason: 'Invalid', details },
    ...{ message: `${qualified} "${name}" is invalid: ${field}: ${message}` },
    ...more,
  }
}
const patch = (kind: string): Partial<Case> => ({ method: 'PATCH', type: `application/${kind}-patch+json` })
const handled = (kind: string, fault: string): string =>
  `${kind} in version "v1" cannot be handled as a ${kind}: ${fault}`
const stale = (resource: string, details: object): Partial<Case> => ({
  ...{ code: 409, reason: 'Conflict', details },
  message: `Operation cannot be fulfilled on ${resource} "there": the object has been modified; please apply your changes to the latest version and try again`,
})

const CASES: Readonly<Record<string, Case>> = {
  'no body': bad(
    MAPS,
    text(''),
    `the object provided is unrecognized (must be of type ConfigMap): ${JSON_FAULT} unexpected end of JSON input (<empty>)`,
  ),
  'JSON that is a list': bad(
    MAPS,
    text('[]'),
    `the object provided is unrecognized (must be of type ConfigMap): ${JSON_FAULT} json: cannot unmarshal array into Go value of type ${NAMED} (5b5d)`,
  ),
  'JSON that breaks off': bad(
    MAPS,
    text('{"apiVersion":"v1","kind":"ConfigMap"'),
    `the object provided is unrecognized (must be of type ConfigMap): ${JSON_FAULT} unexpected end of JSON input ({"apiVersion":"v1","kind":"Con ...)`,
  ),
  'YAML that is none': bad(
    MAPS,
    text('a: b\nc: d: e'),
    'the object provided is unrecognized (must be of type ConfigMap): yaml: line 2: mapping values are not allowed in this context (613a20620a633a20643a2065)',
    { type: 'application/yaml' },
  ),
  'YAML that is text': bad(
    MAPS,
    text('hello'),
    `the object provided is unrecognized (must be of type ConfigMap): ${JSON_FAULT} json: cannot unmarshal string into Go value of type ${NAMED} (68656c6c6f)`,
    { type: 'application/yaml' },
  ),
  'a JSON patch that is none': bad(
    `${MAPS}/there`,
    text('[{]'),
    "error decoding patch: invalid character ']' looking for beginning of object key string",
    patch('json'),
  ),
  'a strategic patch that is none': bad(
    `${MAPS}/there`,
    text('{'),
    'unexpected end of JSON input',
    patch('strategic-merge'),
  ),

  'unknown fields': bad(
    `${MAPS}?fieldValidation=Strict`,
    map('x', { nonsense: 1, metadata: { name: 'x', bogus: 2 } }),
    handled('ConfigMap', 'strict decoding error: unknown field "metadata.bogus", unknown field "nonsense"'),
  ),
  'a key given twice in YAML': bad(
    `${MAPS}?fieldValidation=Strict`,
    text('apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  a: b\n  a: c\n'),
    handled('ConfigMap', 'strict decoding error: yaml: unmarshal errors:\n  line 7: key "a" already set in map'),
    { type: 'application/yaml' },
  ),
  'an unknown field in a strategic patch': {
    ...{
      ...patch('strategic-merge'),
      path: `${DEPLOYMENTS}/there?fieldValidation=Strict`,
      body: { spec: { bogus: [1, null, 'a'] } },
    },
    ...{ code: 422, reason: 'Invalid' },
    message:
      ' "" is invalid: patch: Invalid value: "map[spec:map[bogus:[1 <nil> a]]]": strict decoding error: unknown field "spec.bogus"',
    details: {
      causes: [
        {
          reason: 'FieldValueInvalid',
          message:
            'Invalid value: "map[spec:map[bogus:[1 <nil> a]]]": strict decoding error: unknown field "spec.bogus"',
          field: 'patch',
        },
      ],
    },
  },
  'a validation that nobody knows': invalid(
    `${MAPS}?fieldValidation=Loud`,
    map('x'),
    [
      'CreateOptions.meta.k8s.io ',
      'fieldValidation',
      'Unsupported value: "Loud": supported values: "", "Ignore", "Strict", "Warn"',
    ],
    {
      details: {
        group: 'meta.k8s.io',
        kind: 'CreateOptions',
        causes: [
          {
            reason: 'FieldValueNotSupported',
            message: 'Unsupported value: "Loud": supported values: "", "Ignore", "Strict", "Warn"',
            field: 'fieldValidation',
          },
        ],
      },
    },
  ),

  'a number for text': bad(
    MAPS,
    map('x', { data: { a: 1 } }),
    handled('ConfigMap', 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'),
  ),
  'text for a list': bad(
    PODS,
    pod({ containers: 'c' }),
    handled('Pod', 'json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container'),
  ),
  'a list for an object': bad(
    PODS,
    pod({ securityContext: [] }),
    handled(
      'Pod',
      'json: cannot unmarshal array into Go struct field PodSpec.spec.securityContext of type v1.PodSecurityContext',
    ),
  ),
  'text for a boolean': bad(
    PODS,
    pod({ hostNetwork: 'yes' }),
    handled('Pod', 'json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool'),
  ),
  'a fraction': bad(
    DEPLOYMENTS,
    deployment({ replicas: 1.5 }),
    handled(
      'Deployment',
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ),
  ),
  'a number too large': bad(
    DEPLOYMENTS,
    deployment({ replicas: 2_147_483_648 }),
    handled(
      'Deployment',
      'json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ),
  ),
  'no quantity': bad(
    PODS,
    pod({ containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: 'many' } } }] }),
    handled('Pod', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
  ),
  'no time': bad(
    MAPS,
    map('x', { metadata: { name: 'x', creationTimestamp: 'now' } }),
    handled('ConfigMap', 'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"'),
  ),
  'no base64': bad(
    SECRETS,
    object('Secret', 'x', { data: { a: '!!' } }),
    handled('Secret', 'illegal base64 data at input byte 0'),
  ),
  'neither a number nor text': bad(
    SERVICES,
    service({ targetPort: true }),
    handled('Service', 'json: cannot unmarshal bool into Go value of type int32'),
  ),

  'a namespace whose name is no label': invalid('/api/v1/namespaces', object('Namespace', 'a.b'), [
    'Namespace a.b',
    'metadata.name',
    'Invalid value: "a.b": must not contain dots',
  ]),
  'a pod whose name is no subdomain': invalid(PODS, pod({}, 'A_b'), [
    'Pod A_b',
    'metadata.name',
    `Invalid value: "A_b": ${SUBDOMAIN}`,
  ]),
  'a container whose name is no label': invalid(PODS, pod({ containers: [{ name: 'a.b', image: 'i' }] }), [
    'Pod x',
    'spec.containers[0].name',
    'Invalid value: "a.b": must not contain dots',
  ]),
  'a name too long': invalid(MAPS, map('a'.repeat(254)), [
    `ConfigMap ${'a'.repeat(254)}`,
    'metadata.name',
    `Invalid value: "${'a'.repeat(254)}": must be no more than 253 characters`,
  ]),
  'a label that is none': invalid(MAPS, map('x', { metadata: { name: 'x', labels: { a: '-x' } } }), [
    'ConfigMap x',
    'metadata.labels',
    `Invalid value: "-x": ${LABEL_VALUE}`,
  ]),
  'a negative number': invalid(DEPLOYMENTS, deployment({ replicas: -1 }), [
    'Deployment.apps d',
    'spec.replicas',
    'Invalid value: -1: must be greater than or equal to 0',
  ]),

  'a body of more than 3 MiB': bad(
    MAPS,
    text(JSON.stringify(map('x', { data: { a: 'x'.repeat(3 * MIB) } }))),
    'Request entity too large: limit is 3145728',
    { code: 413, reason: 'RequestEntityTooLarge' },
  ),
  'an object larger than etcd takes': {
    path: DEPLOYMENTS,
    body: deployment({ template: { ...large.template, metadata: { labels: { app: 'd' } } } }),
    code: 500,
    message: 'etcdserver: request is too large',
  },
  'a patch to an object larger than etcd takes': {
    ...patch('strategic-merge'),
    path: `${DEPLOYMENTS}/there`,
    body: { spec: large },
    code: 500,
    message: 'etcdserver: request is too large',
  },
  'a config map of more than 1 MiB': invalid(MAPS, map('x', { data: { a: 'x'.repeat(MIB + 1) } }), [
    'ConfigMap x',
    '[]',
    'Too long: may not be more than 1048576 bytes',
  ]),
  'a secret of more than 1 MiB': invalid(SECRETS, object('Secret', 'x', { stringData: { a: 'x'.repeat(MIB + 1) } }), [
    'Secret x',
    'data',
    'Too long: may not be more than 1048576 bytes',
  ]),
  'annotations of more than 256 KiB': invalid(
    MAPS,
    map('x', { metadata: { name: 'x', annotations: { a: 'x'.repeat(MIB / 4 + 1) } } }),
    ['ConfigMap x', 'metadata.annotations', 'Too long: may not be more than 262144 bytes'],
  ),

  'frozen data': invalid(
    `${MAPS}/frozen`,
    { data: { a: 'c' } },
    ['ConfigMap frozen', 'data', 'Forbidden: field is immutable when `immutable` is set'],
    patch('merge'),
  ),
  'the ice': invalid(
    `${MAPS}/frozen`,
    { immutable: false },
    ['ConfigMap frozen', 'immutable', 'Forbidden: field is immutable when `immutable` is set'],
    patch('merge'),
  ),
  'the type of a secret': invalid(
    `${SECRETS}/there`,
    { type: 'other' },
    ['Secret there', 'type', 'Invalid value: "other": field is immutable'],
    patch('merge'),
  ),
  'the address of a service': invalid(
    `${SERVICES}/there`,
    { spec: { clusterIP: '10.96.1.2', clusterIPs: ['10.96.1.2'] } },
    ['Service there', 'spec.clusterIPs[0]', 'Invalid value: ["10.96.1.2"]: may not change once set'],
    patch('merge'),
  ),
  'another name by patch': bad(
    `${MAPS}/there`,
    { metadata: { name: 'other' } },
    'the name of the object (other) does not match the name on the URL (there)',
    patch('merge'),
  ),

  'a version that was served once': bad(
    DEPLOYMENTS,
    { ...deployment(), apiVersion: 'apps/v1beta1' },
    'the API version in the data (apps/v1beta1) does not match the expected API version (apps/v1)',
  ),
  'another kind': bad(
    DEPLOYMENTS,
    pod(),
    'Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion',
  ),
  'a method that the kind has not': {
    method: 'PUT',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {},
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  },

  'a stale update': bad(
    `${DEPLOYMENTS}/there`,
    { ...deployment({}, 'there'), metadata: { name: 'there', resourceVersion: '1' } },
    '',
    { method: 'PUT', ...stale('deployments.apps', { name: 'there', group: 'apps', kind: 'deployments' }) },
  ),
  'a stale patch': bad(`${MAPS}/there`, { metadata: { resourceVersion: '1' }, data: { a: 'b' } }, '', {
    ...patch('merge'),
    ...stale('configmaps', { name: 'there', kind: 'configmaps' }),
  }),
  'a name that is taken': bad(MAPS, map('there'), 'configmaps "there" already exists', {
    code: 409,
    reason: 'AlreadyExists',
    details: { name: 'there', kind: 'configmaps' },
  }),
  'a namespace that is not there': bad(
    '/api/v1/namespaces/nosuch/configmaps',
    map('x'),
    'namespaces "nosuch" not found',
    { code: 404, reason: 'NotFound', details: { name: 'nosuch', kind: 'namespaces' } },
  ),
}

describe('an object that is wrong is refused word for word:', () => {
  let cluster: TestCluster | undefined
  const send = ({ method = 'POST', path, body, type }: Omit<Case, 'code' | 'message'>): Promise<Answer> => {
    if (!cluster) throw new Error('The cluster is not started')
    const headers = type === undefined ? {} : { 'content-type': type }
    return callsTo(cluster.server.handle, ADMIN)(method, path, { headers, ...(body === undefined ? {} : { body }) })
  }
  const made = async (path: string, body: object): Promise<Answer> => {
    const answer = await send({ path, body })
    assert.equal(answer.status, 201, JSON.stringify(answer.json))
    return answer
  }
  before(async () => {
    cluster = await startCluster()
    await made(`${CORE}/serviceaccounts`, object('ServiceAccount', 'default'))
    await made(MAPS, map('there'))
    await made(MAPS, map('frozen', { immutable: true, data: { a: 'b' } }))
    await made(SECRETS, object('Secret', 'there', { type: 'Opaque' }))
    await made(DEPLOYMENTS, deployment({}, 'there'))
    await made(SERVICES, service({}, 'there'))
  })
  after(() => cluster?.[Symbol.asyncDispose]())

  for (const [name, each] of Object.entries(CASES))
    test(name, async () => {
      const revision = cluster?.store.revision
      const { json, status } = await send(each)
      const { code, reason, message, details } = each
      const said = { code: json['code'], reason: json['reason'], message: json['message'], details: json['details'] }
      assert.deepEqual({ status, ...said }, { status: code, code, reason, message, details })
      assert.equal(cluster?.store.revision, revision, 'nothing is written')
    })

  test('a precondition that does not hold', async () => {
    const { metadata } = (await send({ method: 'GET', path: `${MAPS}/there` })).json as {
      metadata: { uid: string; resourceVersion: string }
    }
    const refused = async (preconditions: object): Promise<unknown> => {
      const { status, json } = await send({
        method: 'DELETE',
        path: `${MAPS}/there`,
        body: { kind: 'DeleteOptions', apiVersion: 'v1', preconditions },
      })
      assert.deepEqual(
        [status, json['reason'], json['details']],
        [409, 'Conflict', { name: 'there', kind: 'ConfigMap' }],
      )
      return json['message']
    }
    assert.equal(
      await refused({ uid: 'abc' }),
      `Operation cannot be fulfilled on ConfigMap "there": the UID in the precondition (abc) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    )
    assert.equal(
      await refused({ resourceVersion: '1' }),
      `Operation cannot be fulfilled on ConfigMap "there": the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    )
  })

  test('Warn tells of unknown fields and fields given twice, and drops them; Ignore drops them', async () => {
    const sent = { path: `${DEPLOYMENTS}/there?dryRun=All`, body: { spec: { bogus: 1 } }, ...patch('merge') }
    assert.deepEqual((await send(sent)).headers['warning'], ['299 - "unknown field \\"spec.bogus\\""'])
    const ignored = await send({ ...sent, path: `${sent.path}&fieldValidation=Ignore` })
    assert.deepEqual([ignored.status, ignored.headers['warning']], [200, undefined])
    const twice = text('metadata:\n  name: x\ndata:\n  a: b\n  a: c\n')
    const warned = await send({ path: `${MAPS}?dryRun=All`, body: twice, type: 'application/yaml' })
    assert.deepEqual(
      [warned.status, warned.headers['warning']],
      [201, ['299 - "line 5: key \\"a\\" already set in map"']],
    )
    assert.deepEqual(warned.json['data'], { a: 'c' })
  })

  test('an object that is too large only by the record of its managers is stored without it', async () => {
    const keys = Array.from({ length: 35_000 }, (_, i) => [`key-${i}-${'k'.repeat(8)}`, ''])
    const { json } = await made(MAPS, map('many', { data: Object.fromEntries(keys) }))
    assert.equal((json as { metadata: { managedFields?: unknown } }).metadata.managedFields, undefined)
  })
})
