// Configuration files in three forms: what is read, what is said to be left out, what is wrong.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ClusterConfig, loadClusterConfig } from './config.ts'

const OWN = 'apiVersion: drover.dev/v1alpha1\nkind: Cluster\n'
const KIND = 'apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n'
const K3D = 'apiVersion: k3d.io/v1alpha5\nkind: Simple\n'

const reads: Record<string, [text: string, want: Partial<ClusterConfig>]> = {
  'nothing but the form': [OWN, { warnings: [] }],
  'everything of its own form': [
    `${OWN}name: a\nstore: memory\ndataDir: /d\nnodes: 3\nnetworking: {apiServerPort: 7443, podSubnet: 10.1.0.0/16, serviceSubnet: 10.2.0.0/20}\n`,
    {
      name: 'a',
      store: 'memory',
      dataDirectory: '/d',
      nodes: 3,
      port: 7443,
      clusterCIDR: '10.1.0.0/16',
      serviceCIDR: '10.2.0.0/20',
    },
  ],
  'a store that is an etcd': [`${OWN}store: etcd=https://h:2379\n`, { store: 'etcd=https://h:2379' }],
  "kind's quick start": [KIND, { nodes: undefined, warnings: [] }],
  "kind's, with three nodes and networks": [
    `${KIND}name: k\nnodes: [{role: control-plane}, {role: worker}, {role: worker}]\nnetworking: {apiServerPort: 7443, podSubnet: 10.1.0.0/16, ipFamily: ipv4}\n`,
    { name: 'k', nodes: 3, port: 7443, clusterCIDR: '10.1.0.0/16', warnings: [] },
  ],
  "kind's, with ports of the first node": [
    `${KIND}nodes: [{role: control-plane, extraPortMappings: [{containerPort: 30080, hostPort: 30080}, {containerPort: 80}]}]\n`,
    { nodes: 1, warnings: [] },
  ],
  "kind's, with what there is not": [
    `${KIND}featureGates: {A: true}\nnewField: 1\nnodes:\n- {role: control-plane, image: x, extraPortMappings: [{containerPort: 80, hostPort: 8080}]}\n- {role: control-plane}\n- {role: worker, extraPortMappings: [{containerPort: 80}]}\nnetworking: {disableDefaultCNI: true}\n`,
    {
      nodes: 3,
      warnings: [
        'featureGates is left out: features are as they are here',
        'newField is not known and left out',
        'networking.disableDefaultCNI is left out: the network of the pods is part of the node',
        'nodes[0].image is left out: nodes have no images: they are this machine and network namespaces of it',
        'nodes[0].extraPortMappings[0]: not mapped: the node is this machine: use its port 80',
        'nodes[2].extraPortMappings[0]: not mapped: only the first node is this machine',
        'nodes: there is one API server, and it is no node; 3 nodes are started',
      ],
    },
  ],
  "k3d's": [
    `${K3D}metadata: {name: m}\nservers: 1\nagents: 2\nkubeAPI: {hostPort: "7443"}\noptions:\n  k3d: {wait: true, timeout: 60s}\n  k3s: {extraArgs: [{arg: --cluster-cidr=10.1.0.0/16, nodeFilters: [server:*]}, {arg: --tls-san=x}]}\n  kubeconfig: {switchCurrentContext: false}\nports: [{port: "80:80"}]\n`,
    {
      name: 'm',
      nodes: 3,
      port: 7443,
      clusterCIDR: '10.1.0.0/16',
      wait: true,
      timeout: '60s',
      keepContext: true,
      warnings: [
        'ports is left out: node ports and load balancers are open on this machine as they are',
        'options.k3s.extraArgs[1] is left out: there is no k3s here',
      ],
    },
  ],
}

describe('loadClusterConfig() reads', () => {
  for (const [name, [text, want]] of Object.entries(reads))
    test(name, async () => {
      const config: Record<string, unknown> = { ...(await loadClusterConfig(text)) }
      assert.deepEqual(Object.fromEntries(Object.keys(want).map((key) => [key, config[key]])), want)
    })
})

const refusals: Record<string, [text: string, message: RegExp]> = {
  'an empty file': ['', /the file must be a mapping/],
  'another kind of file': ['apiVersion: v1\nkind: Pod\n', /it must begin with "apiVersion: drover.dev\/v1alpha1"/],
  'what is not YAML': ['a: [', /cannot be used: Flow sequence/],
  'unknown fields of its own form': [`${OWN}nmae: x\n`, /the file has unknown fields: nmae/],
  'a port that is none': [`${OWN}networking: {apiServerPort: 70000}\n`, /networking.apiServerPort must be a port/],
  'a port of k3d that is none': [`${K3D}kubeAPI: {hostPort: "x"}\n`, /kubeAPI.hostPort must be a port/],
  'a network that is none': [`${OWN}networking: {podSubnet: 999.1.1.1/16}\n`, /must be an IPv4 network/],
  'a network that is too small': [`${OWN}networking: {podSubnet: 10.1.0.0/24}\n`, /too small: \/22/],
  'a network that begins elsewhere': [
    `${OWN}networking: {podSubnet: 10.1.2.0/16}\n`,
    /does not begin at its first address/,
  ],
  'another family': [`${KIND}networking: {ipFamily: dual}\n`, /can only be "ipv4"/],
  'a role that there is not': [`${KIND}nodes: [{role: loadbalancer}]\n`, /nodes\[0\].role must be/],
  'nodes that are text': [`${OWN}nodes: many\n`, /nodes must be a number or a list/],
  'a flood of aliases': [`${OWN}name: &a x\nnodes: [${'*a,'.repeat(200)}]\n`, /cannot be used/],
}

describe('loadClusterConfig() refuses', () => {
  for (const [name, [text, message]] of Object.entries(refusals))
    test(name, () => assert.rejects(loadClusterConfig(text), { message, exitCode: 2 }))
})
