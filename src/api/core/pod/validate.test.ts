// What is wrong with pods: one valid pod, one tweak a case.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { applyDefaults } from '../../../apimachinery/defaults.ts'
import { Issues } from '../../../apimachinery/issues.ts'
import { validate } from '../../../apimachinery/validate.ts'
import { type Pod, pods } from './pod.ts'

function validPod(): Pod {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'nginx' }] },
  }
  applyDefaults(pods.struct, pod)
  return pod
}

type Found = [field: string, message: string]
function problems(tweak: (spec: Pod['spec'], container: Pod['spec']['containers'][number]) => void): Found[] {
  const pod = validPod()
  const [container] = pod.spec.containers
  assert.ok(container)
  tweak(pod.spec, container)
  const issues = new Issues()
  validate(pods.struct, pod, issues)
  return issues.list.map(({ field, message }) => [field, message])
}

const LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"

const ID = 'must be between 0 and 2147483647, inclusive'
const UNQUALIFIED = 'must be a standard resource type or fully qualified'

const CASES: Record<string, [Parameters<typeof problems>[0], Found[]]> = {
  'a valid pod has no problems': [() => {}, []],
  'no containers': [(spec) => (spec.containers = []), [['spec.containers', 'Required value']]],
  'a bad name': [(_, c) => (c.name = 'A'), [['spec.containers[0].name', `Invalid value: "A": ${LABEL}`]]],
  'no image': [(_, c) => delete c.image, [['spec.containers[0].image', 'Required value']]],
  'the same name twice': [
    (spec, c) => spec.containers.push({ ...c }),
    [['spec.containers[1].name', 'Duplicate value: "c"']],
  ],
  'a port out of range': [
    (_, c) => (c.ports = [{ containerPort: 70_000 }]),
    [['spec.containers[0].ports[0].containerPort', 'Invalid value: 70000: must be between 1 and 65535, inclusive']],
  ],
  'a mount of no volume': [
    (_, c) => (c.volumeMounts = [{ name: 'gone', mountPath: '/x' }]),
    [['spec.containers[0].volumeMounts[0].name', 'Not found: "gone"']],
  ],
  'a request over its limit': [
    (_, c) => (c.resources = { limits: { cpu: '1' }, requests: { cpu: '1500m' } }),
    [['spec.containers[0].resources.requests', 'Invalid value: "1500m": must be less than or equal to cpu limit of 1']],
  ],
  'a negative amount': [
    (_, c) => (c.resources = { limits: { memory: '-1' } }),
    [['spec.containers[0].resources.limits[memory]', 'Invalid value: "-1": must be greater than or equal to 0']],
  ],
  'an unknown restart policy': [
    (spec) => Object.assign(spec, { restartPolicy: 'Sometimes' }),
    [['spec.restartPolicy', 'Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"']],
  ],
  'an environment variable with an equals sign': [
    (_, c) => (c.env = [{ name: 'a=b' }]),
    [
      [
        'spec.containers[0].env[0].name',
        `Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
      ],
    ],
  ],
  'a probe without a handler': [
    (_, c) => (c.livenessProbe = {}),
    [['spec.containers[0].livenessProbe', 'Required value: must specify a handler type']],
  ],
  'a probe of an init container': [
    (spec, c) => (spec.initContainers = [{ ...c, name: 'i', readinessProbe: { exec: { command: ['true'] } } }]),
    [
      [
        'spec.initContainers[0].readinessProbe',
        'Forbidden: may not be set for init containers without restartPolicy=Always',
      ],
    ],
  ],
  'two sources of a volume': [
    (spec) => (spec.volumes = [{ name: 'v', emptyDir: {}, hostPath: { path: '/x' } }]),
    [['spec.volumes[0].hostPath', 'Forbidden: may not specify more than 1 volume type']],
  ],
  'a volume of nothing': [
    (spec) => (spec.volumes = [{ name: 'v' }]),
    [['spec.volumes[0]', 'Required value: must specify a volume type']],
  ],
  'a port of the host twice, and one that is no port': [
    (spec, c) => {
      c.ports = [{ containerPort: 80, hostPort: 80 }]
      spec.containers.push({ ...c, name: 'd', ports: [{ containerPort: 1, hostPort: 70_000 }, ...c.ports] })
    },
    [
      ['spec.containers[1].ports[0].hostPort', 'Invalid value: 70000: must be between 1 and 65535, inclusive'],
      ['spec.containers[1].ports[1].hostPort', 'Duplicate value: "TCP//80"'],
    ],
  ],
  'three handlers of a probe': [
    (_, c) => (c.startupProbe = { exec: { command: ['true'] }, tcpSocket: { port: 0 }, grpc: { port: 1 } }),
    [
      ['spec.containers[0].startupProbe.tcpSocket', 'Forbidden: may not specify more than one handler type'],
      ['spec.containers[0].startupProbe.grpc', 'Forbidden: may not specify more than one handler type'],
      ['spec.containers[0].startupProbe.tcpSocket.port', 'Invalid value: 0: must be between 1 and 65535, inclusive'],
    ],
  ],
  'users and groups that there cannot be': [
    (_, c) => (c.securityContext = { runAsUser: -1, runAsGroup: 2 ** 31 }),
    [
      ['spec.containers[0].securityContext.runAsUser', `Invalid value: -1: ${ID}`],
      ['spec.containers[0].securityContext.runAsGroup', `Invalid value: 2147483648: ${ID}`],
    ],
  ],
  'a resource without a limit, and one that nobody knows': [
    (_, c) => (c.resources = { requests: { 'hugepages-2Mi': '2Mi', odd: '1' }, limits: { odd: '2' } }),
    [
      ['spec.containers[0].resources.limits[odd]', `Invalid value: "odd": ${UNQUALIFIED}`],
      ['spec.containers[0].resources.limits[odd]', 'Invalid value: "odd": must be a standard resource for containers'],
      ['spec.containers[0].resources.requests[odd]', `Invalid value: "odd": ${UNQUALIFIED}`],
      [
        'spec.containers[0].resources.requests[odd]',
        'Invalid value: "odd": must be a standard resource for containers',
      ],
      ['spec.containers[0].resources.limits', 'Required value: Limit must be set for non overcommitable resources'],
      ['spec.containers[0].resources.requests', 'Invalid value: "1": must be equal to odd limit of 2'],
    ],
  ],
  'a mount where another is': [
    (spec, c) => {
      spec.volumes = [{ name: 'v', emptyDir: {} }]
      c.volumeMounts = [
        { name: 'v', mountPath: '/x' },
        { name: 'v', mountPath: '/x', subPath: '/a', subPathExpr: '..' },
      ]
    },
    [
      ['spec.containers[0].volumeMounts[1].mountPath', 'Invalid value: "/x": must be unique'],
      ['spec.containers[0].volumeMounts[1].subPath', 'Invalid value: "/a": must be a relative path'],
      [
        'spec.containers[0].volumeMounts[1].subPathExpr',
        'Invalid value: "..": subPathExpr and subPath are mutually exclusive',
      ],
      ['spec.containers[0].volumeMounts[1].subPathExpr', 'Invalid value: "..": must not contain \'..\''],
    ],
  ],
  'a scheduling gate twice': [
    (spec) => (spec.schedulingGates = [{ name: 'g' }, { name: 'g' }]),
    [['spec.schedulingGates[1]', 'Duplicate value: "g"']],
  ],
  'a bad host name, and no DNS where there must be some': [
    (spec) => Object.assign(spec, { hostname: 'A', dnsPolicy: 'None' }),
    [
      ['spec.dnsConfig', 'Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
      ['spec.hostname', `Invalid value: "A": ${LABEL}`],
    ],
  ],
  'a toleration of nothing': [
    (spec) => (spec.tolerations = [{ operator: 'Equal' }]),
    [
      [
        'spec.tolerations[0].operator',
        'Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
      ],
    ],
  ],
}

describe('validation of pods', () => {
  for (const [name, [tweak, want]] of Object.entries(CASES)) {
    test(name, () => assert.deepEqual(problems(tweak), want))
  }
})

describe('validation of pod updates', () => {
  const update = (tweak: (next: Pod) => void): string[] => {
    const next = validPod()
    tweak(next)
    const issues = new Issues()
    pods.validateUpdate?.(next, validPod(), issues)
    return issues.list.map(({ field, message }) => `${field}: ${message}`)
  }

  test('images and further tolerations may change', () => {
    const change = (next: Pod): void => {
      for (const container of next.spec.containers) container.image = 'nginx:2'
      next.spec.tolerations = [{ key: 'a', operator: 'Exists' }]
    }
    assert.deepEqual(update(change), [])
  })

  test('other fields may not', () => {
    const [problem = ''] = update((next) => (next.spec.nodeName = 'n1'))
    assert.match(
      problem,
      /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,/,
    )
  })

  test('containers are neither added nor removed', () => {
    const add = (next: Pod): unknown => next.spec.containers.push({ name: 'd', image: 'x' })
    assert.deepEqual(update(add), ['spec.containers: Forbidden: pod updates may not add or remove containers'])
  })
})
