// Checks the peers and ports of a network policy.

import type { Issues } from '../../../apimachinery/issues.ts'
import { checkPort, checkPortName, checkValue, validateLabelSelector } from '../../../apimachinery/validation.ts'
import { checkCIDR, isStrictSubset, parseCIDR } from '../../core/cidr.ts'
import type { IPBlock, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec } from './network-policy.ts'

export function validateNetworkPolicySpec(spec: NetworkPolicySpec, at: string, issues: Issues): void {
  const { ingress = [], egress = [], policyTypes = [] } = spec
  validateLabelSelector(spec.podSelector, `${at}.podSelector`, issues)
  ingress.forEach(({ ports, from }, i) => {
    validateRule(ports, from, `${at}.ingress[${i}]`, 'from', issues)
  })
  egress.forEach(({ ports, to }, i) => {
    validateRule(ports, to, `${at}.egress[${i}]`, 'to', issues)
  })
  if (policyTypes.length > 2) {
    issues.invalid(`${at}.policyTypes`, policyTypes, 'may not specify more than two policyTypes')
  }
}

function validateRule(
  ports: readonly NetworkPolicyPort[] = [],
  peers: readonly NetworkPolicyPeer[] = [],
  at: string,
  peersField: 'from' | 'to',
  issues: Issues,
): void {
  ports.forEach((port, i) => {
    validatePort(port, `${at}.ports[${i}]`, issues)
  })
  peers.forEach((peer, i) => {
    validatePeer(peer, `${at}.${peersField}[${i}]`, issues)
  })
}

function validatePort({ port, endPort }: NetworkPolicyPort, at: string, issues: Issues): void {
  if (port === undefined) {
    if (endPort === undefined) return
    issues.invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is not specified')
  } else if (typeof port === 'number') {
    for (const problem of checkPort(port)) issues.invalid(`${at}.port`, port, problem)
    if (endPort === undefined) return
    // Upstream shows the port here, not the end.
    if (endPort < port) issues.invalid(`${at}.endPort`, port, 'must be greater than or equal to `port`')
    for (const problem of checkPort(endPort)) issues.invalid(`${at}.endPort`, endPort, problem)
  } else {
    if (endPort !== undefined) {
      issues.invalid(`${at}.endPort`, endPort, 'may not be specified when `port` is non-numeric')
    }
    checkValue(port, checkPortName, `${at}.port`, issues)
  }
}

function validatePeer(
  { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer,
  at: string,
  issues: Issues,
): void {
  validateLabelSelector(podSelector, `${at}.podSelector`, issues)
  validateLabelSelector(namespaceSelector, `${at}.namespaceSelector`, issues)
  if (ipBlock !== undefined) validateBlock(ipBlock, `${at}.ipBlock`, issues)
  const selects = podSelector !== undefined || namespaceSelector !== undefined
  if (!selects && ipBlock === undefined) issues.required(at, 'must specify a peer')
  else if (selects && ipBlock !== undefined) {
    issues.forbidden(at, 'may not specify both ipBlock and another peer')
  }
}

function validateBlock({ cidr = '', except = [] }: IPBlock, at: string, issues: Issues): void {
  if (cidr === '') {
    issues.required(`${at}.cidr`)
    return
  }
  checkValue(cidr, checkCIDR, `${at}.cidr`, issues)
  const outer = parseCIDR(cidr)
  if (outer === undefined) return
  except.forEach((text, i) => {
    const here = `${at}.except[${i}]`
    checkValue(text, checkCIDR, here, issues)
    const inner = parseCIDR(text)
    if (inner !== undefined && !isStrictSubset(inner, outer)) {
      issues.invalid(here, text, 'must be a strict subset of `cidr`')
    }
  })
}
