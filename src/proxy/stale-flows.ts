// Decides which entries of the connection table to drop after a change: UDP flows have no end, and would go on to where they once went. Pure.

import type { ConntrackFilter } from '../netlink/conntrack.ts'
import type { ServicePort } from './service-ports.ts'

/** Filters for the flows that the change from `before` to `after` made wrong. */
export function staleFlows(before: readonly ServicePort[], after: readonly ServicePort[]): ConntrackFilter[] {
  const now = new Map(after.filter(isUDP).map((port) => [keyOf(port), port]))
  const filters = new Map<string, ConntrackFilter>()
  const add = (filter: ConntrackFilter): void => void filters.set(JSON.stringify(filter), filter)
  for (const old of before.filter(isUDP)) {
    const current = now.get(keyOf(old))
    const left = new Set(current === undefined ? [] : addressesOf(current))
    for (const replySource of addressesOf(old)) {
      if (left.has(replySource)) continue
      for (const front of frontsOf(old)) add({ ...front, replySource })
    }
  }
  const then = new Map(before.filter(isUDP).map((port) => [keyOf(port), port]))
  for (const port of now.values()) {
    const old = then.get(keyOf(port))
    // A client that asked before anybody answered has an entry that leads nowhere.
    if (addressesOf(port).length > 0 && (old === undefined || addressesOf(old).length === 0))
      for (const front of frontsOf(port)) add(front)
  }
  return [...filters.values()]
}

const isUDP = ({ protocol }: ServicePort): boolean => protocol === 'udp'
const keyOf = ({ namespace, service, portName, clusterIP, port }: ServicePort): string =>
  `${namespace}/${service}/${portName}/${clusterIP}/${port}`

function addressesOf({ everywhere, here }: ServicePort): string[] {
  return [...new Set([...everywhere, ...here].map((target) => target.slice(0, target.lastIndexOf(':'))))]
}

/** The addresses and ports that clients use. */
function frontsOf({ clusterIP, externalIPs, port, nodePort, protocol }: ServicePort): ConntrackFilter[] {
  const byAddress = [clusterIP, ...externalIPs].map((originalDestination) => ({
    protocol,
    originalDestination,
    originalDestinationPort: port,
  }))
  return nodePort === undefined ? byAddress : [...byAddress, { protocol, originalDestinationPort: nodePort }]
}
