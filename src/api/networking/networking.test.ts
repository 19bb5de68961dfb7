// The kinds of networking: defaults, what is refused, what may change, and their rows.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cells, changed, created, problems, ready, statusChanged } from '../../testing/kinds.ts'
import { type Ingress, ingresses } from './ingress/ingress.ts'
import { type IngressClass, ingressClasses } from './ingress-class.ts'
import { ipAddresses } from './ip-address.ts'
import { type NetworkPolicy, networkPolicies } from './network-policy/network-policy.ts'
import { type ServiceCIDR, serviceCIDRs } from './service-cidr.ts'

const service = { name: 'web', port: { number: 80 } }
const ingress = (spec: object = {}, metadata: object = {}): Ingress =>
  created(ingresses, { metadata, spec: { defaultBackend: { service }, ...spec } })
const path = (given: object): object => ({
  rules: [
    { host: 'a.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service }, ...given }] } },
  ],
})

describe('an ingress', () => {
  test('answers for hosts and paths, or for all', () => {
    assert.deepEqual(ingress().status, { loadBalancer: {} })
    assert.deepEqual(problems(ingresses, ingress()), [])
    assert.deepEqual(problems(ingresses, ingress(path({}))), [])
  })

  const at = 'spec.rules[0].http.paths[0]'
  const cases: Record<string, [spec: object, want: string[]]> = {
    'nothing to answer for': [
      { defaultBackend: undefined },
      ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified'],
    ],
    'a path of no type': [
      path({ pathType: undefined }),
      [`${at}.pathType: Required value: pathType must be specified`],
    ],
    'a path of an unknown type': [
      path({ pathType: 'x' }),
      [`${at}.pathType: Unsupported value: "x": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    'paths that lead astray': [
      path({ path: 'a//b/..' }),
      [
        `${at}.path: Invalid value: "a//b/..": must be an absolute path`,
        `${at}.path: Invalid value: "a//b/..": must not contain '//'`,
        `${at}.path: Invalid value: "a//b/..": cannot end with '/..'`,
      ],
    ],
    'no backend': [
      path({ backend: {} }),
      [`${at}.backend: Invalid value: "": resource or service backend is required`],
    ],
    'two backends': [
      path({ backend: { service, resource: { kind: 'a', name: 'b' } } }),
      [`${at}.backend: Invalid value: "": cannot set both resource and service backends`],
    ],
    'a resource without a name': [
      path({ backend: { resource: { kind: 'Bucket' } } }),
      [`${at}.backend.resource.name: Required value: name is required`],
    ],
    'two ports': [
      path({ backend: { service: { name: 'web', port: { name: 'http', number: 80 } } } }),
      [`${at}.backend: Invalid value: "": cannot set both port name & port number`],
    ],
    'no port': [
      path({ backend: { service: { name: 'web' } } }),
      [`${at}.backend: Required value: port name or number is required`],
    ],
    'an address for a host': [
      { rules: [{ host: '10.0.0.1' }] },
      ['spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address'],
    ],
    'a rule without paths': [{ rules: [{ http: {} }] }, ['spec.rules[0].http.paths: Required value']],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(`is refused with ${name}`, () => assert.deepEqual(problems(ingresses, ingress(spec)), want))
  }

  test('may have wildcards and secrets of legal names', () => {
    const tls = [{ hosts: ['*.example.com', 'a.*'], secretName: 'A' }]
    const found = problems(ingresses, ingress({ tls })).map((text) => text.split(': ').slice(0, 3).join(': '))
    assert.deepEqual(found, [
      'spec.tls[0].hosts[1]: Invalid value: "a.*"',
      'spec.tls[0].secretName: Invalid value: "A"',
    ])
  })

  test('names its class once', () => {
    const annotations = { 'kubernetes.io/ingress.class': 'a' }
    assert.deepEqual(problems(ingresses, ingress({ ingressClassName: 'b' }, { annotations })), [
      'annotations.kubernetes.io/ingress.class: Invalid value: "a": must match `ingressClassName` when both are specified',
    ])
    const existing = ingress({ ingressClassName: 'b' }, { annotations, resourceVersion: '1' })
    assert.deepEqual(problems(ingresses, existing), [])
    assert.deepEqual(ingresses.warnings?.(ingress({}, { annotations })), [
      `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
    ])
    assert.deepEqual(ingresses.warnings?.(existing), [])
  })

  test('reports addresses', () => {
    const status = { loadBalancer: { ingress: [{ ip: 'x' }, { hostname: '10.0.0.1' }] } }
    assert.deepEqual(statusChanged(ingresses, ingress(), { ...ingress(), status }), [
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.loadBalancer.ingress[1].hostname: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
    ])
  })

  test('is shown with its hosts and addresses', () => {
    const rules = ['a', 'b', 'c', 'd', 'e'].map((host) => ({ host }))
    const shown = {
      ...ingress({ rules, tls: [{}], ingressClassName: 'nginx' }),
      status: { loadBalancer: { ingress: [{ hostname: 'lb.example.com' }, { ip: '10.0.0.1' }] } },
    }
    assert.deepEqual(cells(ingresses, shown), {
      Class: 'nginx',
      Hosts: 'a,b,c + 2 more...',
      Address: '10.0.0.1,lb.example.com',
      Ports: '80, 443',
    })
    assert.deepEqual(cells(ingresses, ingress()), { Class: '<none>', Hosts: '*', Address: '', Ports: '80' })
  })
})

const cluster = { metadata: { namespace: undefined } }
const ingressClass = (spec: object): IngressClass =>
  created(ingressClasses, { ...cluster, spec: { controller: 'example.com/ingress', ...spec } })

describe('an ingress class', () => {
  const parameters = { apiGroup: 'example.com', kind: 'Settings', name: 's' }
  const cases: Record<string, [spec: object, want: string[]]> = {
    'has parameters of the cluster': [{ parameters }, []],
    'has a controller of a domain': [
      { controller: 'x' },
      ['spec.controller: Invalid value: "x": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    'names the namespace of its parameters': [
      { parameters: { ...parameters, scope: 'Namespace' } },
      ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ],
    'names none for the cluster': [
      { parameters: { ...parameters, namespace: 'n' } },
      ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ],
    'knows two scopes': [
      { parameters: { kind: 'a', name: 'b', scope: 'x' } },
      ['spec.parameters.scope: Unsupported value: "x": supported values: "Cluster", "Namespace"'],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(ingressClasses, ingressClass(spec)), want))
  }
  test('keeps its controller', () => {
    assert.deepEqual(changed(ingressClasses, ingressClass({}), ingressClass({ controller: 'example.com/b' })), [
      'spec.controller: Invalid value: "example.com/b": field is immutable',
    ])
  })
  test('is shown with both', () => {
    assert.equal(ingressClass({ parameters }).spec.parameters?.scope, 'Cluster')
    assert.deepEqual(cells(ingressClasses, ingressClass({ parameters })), {
      Controller: 'example.com/ingress',
      Parameters: 'Settings.example.com/s',
    })
  })
})

const policy = (spec: object = {}): NetworkPolicy => created(networkPolicies, { spec })

describe('a network policy', () => {
  test('is about what comes in, and what goes out if it says so', () => {
    assert.deepEqual(policy().spec, { podSelector: {}, policyTypes: ['Ingress'] })
    const { spec } = policy({ egress: [{ ports: [{ port: 53 }] }] })
    assert.deepEqual(spec.policyTypes, ['Ingress', 'Egress'])
    assert.deepEqual(spec.egress?.[0]?.ports, [{ port: 53, protocol: 'TCP' }])
    assert.equal(cells(networkPolicies, policy())['Pod-Selector'], '<none>')
  })
  const from = (peer: object): object => ({ ingress: [{ from: [peer] }] })
  const ports = (port: object): object => ({ egress: [{ ports: [port] }] })
  const cases: Record<string, [spec: object, want: string[]]> = {
    nobody: [from({}), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
    'pods in a range': [
      from({ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }),
      ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer'],
    ],
    'no range': [from({ ipBlock: {} }), ['spec.ingress[0].from[0].ipBlock.cidr: Required value']],
    'exceptions from outside': [
      from({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '11.0.0.0/16', '10.0.0.1/16'] } }),
      [
        'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`',
        'spec.ingress[0].from[0].ipBlock.except[2]: Invalid value: "10.0.0.1/16": must not have bits set beyond the prefix length',
      ],
    ],
    'ports that are turned around': [
      ports({ port: 80, endPort: 79 }),
      ['spec.egress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`'],
    ],
    'an end without a beginning': [
      ports({ endPort: 79 }),
      ['spec.egress[0].ports[0].endPort: Invalid value: 79: may not be specified when `port` is not specified'],
    ],
    'an end of a name': [
      ports({ port: 'http', endPort: 79 }),
      ['spec.egress[0].ports[0].endPort: Invalid value: 79: may not be specified when `port` is non-numeric'],
    ],
    'an unknown protocol': [
      ports({ protocol: 'ICMP' }),
      ['spec.egress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"'],
    ],
    'an unknown type': [
      { policyTypes: ['x'] },
      ['spec.policyTypes[0]: Unsupported value: "x": supported values: "Egress", "Ingress"'],
    ],
  }
  for (const [name, [spec, want]] of Object.entries(cases)) {
    test(`is refused with ${name}`, () => assert.deepEqual(problems(networkPolicies, policy(spec)), want))
  }
})

describe('an address', () => {
  const address = (name: string, parentRef: object): object => ({ metadata: { name }, spec: { parentRef } })
  const parentRef = { resource: 'services', namespace: 'default', name: 'web' }
  test('is its name, and somebody has it', () => {
    assert.deepEqual(problems(ipAddresses, address('2001:db8::1', parentRef)), [])
    assert.deepEqual(problems(ipAddresses, { metadata: { name: '::01' }, spec: {} }), [
      'spec.parentRef: Required value',
      'metadata.name: Invalid value: "::01": must be in canonical form ("::1")',
    ])
    assert.deepEqual(cells(ipAddresses, address('10.0.0.1', parentRef)), { ParentRef: 'services/default/web' })
  })
  test('does not change hands', () => {
    const other = { ...parentRef, name: 'api' }
    assert.equal(changed(ipAddresses, address('::1', parentRef), address('::1', other)).length, 1)
  })
})

describe('a range for services', () => {
  const range = (...cidrs: string[]): ServiceCIDR => ready(serviceCIDRs, { metadata: { name: 'x' }, spec: { cidrs } })
  const cases: Record<string, [cidrs: string[], want: string[]]> = {
    'has a family or two': [['10.96.0.0/12', 'fd00::/108'], []],
    'has one at least': [[], ['spec.cidrs: Required value: at least one CIDR required']],
    'has two at most': [
      ['10.0.0.0/8', 'fd00::/108', '11.0.0.0/8'],
      ['spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/8","fd00::/108","11.0.0.0/8"]}: may only hold up to 2 values'],
    ],
    'has one of a family': [
      ['10.0.0.0/8', '11.0.0.0/8'],
      [
        'spec.cidrs: Invalid value: {"cidrs":["10.0.0.0/8","11.0.0.0/8"]}: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
      ],
    ],
    'is written canonically': [
      ['FD00::/108'],
      ['spec.cidrs[0]: Invalid value: "FD00::/108": must be in canonical form ("fd00::/108")'],
    ],
  }
  for (const [name, [cidrs, want]] of Object.entries(cases)) {
    test(name, () => assert.deepEqual(problems(serviceCIDRs, range(...cidrs)), want))
  }
  test('may get a second family, and no other', () => {
    assert.deepEqual(changed(serviceCIDRs, range('10.0.0.0/8'), range('10.0.0.0/8', 'fd00::/108')), [])
    assert.deepEqual(changed(serviceCIDRs, range('10.0.0.0/8'), range('11.0.0.0/8')), [
      'spec.cidrs[0]: Invalid value: "11.0.0.0/8": field is immutable',
    ])
    assert.equal(changed(serviceCIDRs, range('10.0.0.0/8', 'fd00::/108'), range('10.0.0.0/8')).length, 1)
    assert.deepEqual(cells(serviceCIDRs, range('10.0.0.0/8', 'fd00::/108')), { CIDRs: '10.0.0.0/8,fd00::/108' })
  })
})
