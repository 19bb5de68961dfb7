// The kernel's side of netlink and proxy: any sequence of changes ends where writing it all anew would, and clean-up finds everything by name.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { findNetwork, removeNetwork } from '../../../src/netlink/clean-up.ts'
import { runCommand, succeed } from '../../../src/netlink/command.ts'
import { ensureBridge, listLinks, setAddress } from '../../../src/netlink/links.ts'
import { linkName } from '../../../src/netlink/names.ts'
import { createNamespace, deleteNamespace } from '../../../src/netlink/namespaces.ts'
import { createNodeNamespace, ensureNodeNetwork } from '../../../src/netlink/node-namespace.ts'
import type { Table } from '../../../src/netlink/nft/model.ts'
import { appliedTables } from '../../../src/netlink/nft/tables.ts'
import { droppingForwardChains } from '../../../src/netlink/preflight.ts'
import { compile } from '../../../src/proxy/compile.ts'
import type { HostPort } from '../../../src/proxy/host-ports.ts'
import type { ServicePort } from '../../../src/proxy/service-ports.ts'
import { within } from './machine.ts'

const NAMESPACE = `drover-test-k${process.pid}`
const run = within(NAMESPACE)
const node = { cluster: 'k', name: 'n1', addresses: ['192.0.2.9'], clusterCIDR: '10.244.0.0/16', bridgeNetfilter: true }

/** What the kernel holds, without counters, in an order that does not depend on how it came about. */
async function kernelHas(table: Table): Promise<string[]> {
  const text = await succeed(run, ['nft', '-s', '-j', 'list', 'table', table.family, table.name])
  const { nftables } = JSON.parse(text) as {
    nftables: Record<string, { handle?: number; elem?: unknown[]; name?: string }>[]
  }
  const lines = new Map<string, string[]>()
  for (const entry of nftables)
    for (const [kind, value] of Object.entries(entry)) {
      delete value.handle
      value.elem?.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      // Rules stay in their order within a chain; chains and sets have none.
      const chain = kind === 'rule' ? String((value as { chain?: string }).chain) : `${kind} ${value.name ?? ''}`
      lines.set(chain, [...(lines.get(chain) ?? []), JSON.stringify(value)])
    }
  return [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, values]) => values)
}

const target = fc.integer({ min: 1, max: 6 }).map((n) => `10.244.0.${n}:80` as const)
const targets = fc.uniqueArray(target, { maxLength: 3 })
const servicePort: fc.Arbitrary<ServicePort> = fc
  .record({
    id: fc.integer({ min: 1, max: 4 }),
    protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const),
    everywhere: targets,
    here: targets,
    isExposed: fc.boolean(),
    isSticky: fc.boolean(),
    isGuarded: fc.boolean(),
    internalPolicy: fc.constantFrom('Cluster' as const, 'Local' as const),
    externalPolicy: fc.constantFrom('Cluster' as const, 'Local' as const),
  })
  .map(({ id, isExposed, isSticky, isGuarded, ...rest }) => ({
    ...rest,
    namespace: 'default',
    service: `s${id}`,
    portName: '',
    clusterIP: `10.96.0.${id}`,
    port: 80,
    externalIPs: isExposed ? [`198.51.100.${id}`] : [],
    ...(isExposed ? { nodePort: 30_000 + id } : {}),
    ...(isSticky ? { affinitySeconds: 60 } : {}),
    ...(isGuarded ? { loadBalancer: { ips: [`198.51.100.${id}`], sourceRanges: ['192.0.2.0/24'] } } : {}),
    hereIPs: rest.here.map((one) => one.split(':')[0] ?? ''),
  }))
const hostPort: fc.Arbitrary<HostPort> = fc.record({
  protocol: fc.constantFrom('tcp' as const, 'udp' as const),
  hostPort: fc.integer({ min: 8000, max: 8003 }),
  podIP: fc.constantFrom('10.244.0.1', '10.244.0.2'),
  containerPort: fc.constantFrom(80, 81),
})
const world = fc
  .tuple(
    fc.uniqueArray(servicePort, { maxLength: 4, selector: (port) => `${port.service} ${port.protocol}` }),
    fc.uniqueArray(hostPort, { maxLength: 2, selector: (port) => `${port.protocol} ${port.hostPort}` }),
  )
  .map(([ports, hostPorts]) => compile(ports, hostPorts, node))

describe('kernel', () => {
  before(() => createNamespace(runCommand, NAMESPACE))
  after(() => deleteNamespace(runCommand, NAMESPACE))

  test('any sequence of changes ends where writing it all anew would', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(world, { minLength: 2, maxLength: 5 }), async (tables) => {
        const step = appliedTables(run)
        for (const table of tables) await step.apply(table)
        const last = tables.at(-1)
        assert.ok(last)
        assert.deepEqual(await step.drift(last), [])
        const stepped = await kernelHas(last)
        await appliedTables(run).apply(last)
        assert.deepEqual(stepped, await kernelHas(last))
      }),
      { numRuns: 12 },
    )
    await appliedTables(run).remove({ family: 'ip', name: 'drover-k' })
  })

  test('a change that meets a table which somebody else broke writes it anew', async () => {
    const tables = appliedTables(run)
    const [one, other] = [compile([], [], node), compile([], [], { ...node, addresses: ['192.0.2.10'] })]
    await tables.apply(one)
    await succeed(run, ['nft', 'delete', 'table', 'ip', one.name])
    await tables.apply(other)
    assert.deepEqual(await tables.drift(other), [])
    await tables.remove(other)
    assert.deepEqual(await tables.drift(other), ['table ip drover-k is gone'])
  })

  test('two clusters live side by side, and clean-up takes one without the other', async () => {
    const clusters = [`one-${process.pid}`, `two-${process.pid}`]
    for (const [i, cluster] of clusters.entries()) {
      await appliedTables(run).apply(compile([], [], { ...node, cluster }))
      await ensureNodeNetwork(run, { cluster, address: `172.29.${i}.1/24` })
      await createNodeNamespace(run, { cluster, node: 'n2', address: `172.29.${i}.2/24`, gateway: `172.29.${i}.1` })
      await ensureBridge(run, {
        name: linkName('pods', { cluster, node: 'n1' }),
        address: `10.24${i}.0.1/24`,
        netfilter: true,
      })
    }
    const [one = '', two = ''] = clusters
    const present = await findNetwork(run, two)
    assert.deepEqual([present.tables.length, present.links.length, present.namespaces], [2, 3, [`drover-${two}.n2`]])
    await removeNetwork(run, one)
    assert.deepEqual(await findNetwork(run, one), { tables: [], links: [], namespaces: [] })
    assert.deepEqual(await findNetwork(run, two), present)
    await removeNetwork(run, two)
    assert.deepEqual(await findNetwork(run, two), { tables: [], links: [], namespaces: [] })
    assert.equal(await succeed(run, ['nft', 'list', 'ruleset']), '')
  })

  test('a bridge may be made again with another address, and keeps its MAC', async () => {
    const addresses = async (): Promise<unknown> => {
      const link = (await listLinks(run)).find(({ name }) => name === 'drb-x-0000')
      return [link?.mac, link?.up, link?.addresses]
    }
    await ensureBridge(run, { name: 'drb-x-0000', address: '10.9.0.1/24' })
    const [mac] = (await addresses()) as [string]
    await ensureBridge(run, { name: 'drb-x-0000', address: '10.9.0.1/24' })
    assert.deepEqual(await addresses(), [mac, true, ['10.9.0.1/24']])
    await setAddress(run, { link: 'drb-x-0000', address: '10.9.1.1/24' })
    assert.deepEqual(await addresses(), [mac, true, ['10.9.1.1/24']])
    await succeed(run, ['ip', 'link', 'delete', 'drb-x-0000'])
  })

  test('a forward policy of drop is found', async () => {
    await succeed(run, ['nft', '-f', '-'], {
      input: 'add table ip other\nadd chain ip other gate { type filter hook forward priority 0; policy drop; }\n',
    })
    assert.deepEqual(droppingForwardChains(await succeed(run, ['nft', '-j', 'list', 'chains'])), ['ip other gate'])
    await succeed(run, ['nft', 'delete', 'table', 'ip', 'other'])
  })
})
