// IP addresses, networks and URLs.

import { type Functions, global, method, own, string } from '../declarations.ts'
import { BOOL, INT, listOf, mapOf, opaqueType, STRING, structType } from '../types.ts'
import { Entries, Failed, Items, OpaqueValue, type Value } from '../values.ts'
import {
  type Address,
  addressText,
  containsAddress,
  isMapped,
  masked,
  type Network,
  parseAddress,
  parseNetwork,
  within,
} from './ip-address.ts'

export const IP = opaqueType('net.IP')
export const CIDR = opaqueType('net.CIDR')
export const URL_TYPE = structType('kubernetes.URL')

class IPValue extends OpaqueValue {
  readonly typeName = 'net.IP'
  readonly address: Address
  constructor(address: Address) {
    super()
    this.address = address
  }
  equals(other: OpaqueValue): boolean {
    return (
      other instanceof IPValue && this.address.bits === other.address.bits && this.address.value === other.address.value
    )
  }
  override get size(): number {
    return Math.ceil(this.address.bits / 8)
  }
}

class CIDRValue extends OpaqueValue {
  readonly typeName = 'net.CIDR'
  readonly network: Network
  constructor(network: Network) {
    super()
    this.network = network
  }
  equals(other: OpaqueValue): boolean {
    if (!(other instanceof CIDRValue)) return false
    const [mine, theirs] = [this.network, other.network]
    return (
      mine.length === theirs.length &&
      mine.address.bits === theirs.address.bits &&
      mine.address.value === theirs.address.value
    )
  }
  override get size(): number {
    return Math.ceil(this.network.address.bits / 8)
  }
}

function toIP(text: string): IPValue | Failed {
  const zone = text.includes('%')
  const address = zone ? parseAddress(text.slice(0, text.indexOf('%'))) : parseAddress(text)
  if (!address) {
    return new Failed(
      `IP Address ${JSON.stringify(text)} parse error during conversion from string: ParseAddr(${JSON.stringify(text)}): unable to parse IP`,
    )
  }
  if (zone) return new Failed(`IP address ${JSON.stringify(text)} with zone value is not allowed`)
  if (isMapped(address)) return new Failed(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`)
  return new IPValue(address)
}

function toCIDR(text: string): CIDRValue | Failed {
  const network = parseNetwork(text)
  if (!network) {
    const reason = text.includes('/') ? 'bad address or length' : "no '/'"
    return new Failed(
      `network address parse error during conversion from string: network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): ${reason}`,
    )
  }
  if (isMapped(network.address)) return new Failed(`IPv4-mapped IPv6 address ${JSON.stringify(text)} is not allowed`)
  return new CIDRValue(network)
}

const ip = own<IPValue>(IP)
const cidr = own<CIDRValue>(CIDR)
const cidrText = ({ network }: CIDRValue): string => `${addressText(network.address)}/${network.length}`

const among =
  (v4: readonly string[], v6: readonly string[]) =>
  ({ address }: IPValue): boolean =>
    (address.bits === 32 ? v4 : v6).some((network) => within(address, network))

const isUnspecified = among(['0.0.0.0/32'], ['::/128'])
const isLoopback = among(['127.0.0.0/8'], ['::1/128'])
const isMulticast = among(['224.0.0.0/4'], ['ff00::/8'])
const isLinkLocalMulticast = among(['224.0.0.0/24'], ['ff02::/16', 'ff12::/16', 'ff22::/16', 'ff32::/16'])
const isLinkLocalUnicast = among(['169.254.0.0/16'], ['fe80::/10'])
const isBroadcast = among(['255.255.255.255/32'], [])
const isGlobalUnicast = (x: IPValue): boolean =>
  !isUnspecified(x) && !isLoopback(x) && !isMulticast(x) && !isLinkLocalUnicast(x) && !isBroadcast(x)

const ips: Functions = {
  ip: [
    global('string_to_ip', [string], IP, toIP),
    method('cidr_ip', [cidr], IP, ({ network }) => new IPValue(network.address)),
  ],
  family: [method('ip_family', [ip], INT, ({ address }) => (address.bits === 32 ? 4n : 6n))],
  isIP: [global('is_ip', [string], BOOL, (x) => toIP(x) instanceof IPValue)],
  'ip.isCanonical': [
    global('ip_is_canonical', [string], BOOL, (x) => {
      const value = toIP(x)
      return value instanceof Failed ? value : addressText(value.address) === x
    }),
  ],
  isUnspecified: [method('ip_is_unspecified', [ip], BOOL, isUnspecified)],
  isLoopback: [method('ip_is_loopback', [ip], BOOL, isLoopback)],
  isLinkLocalMulticast: [method('ip_is_link_local_multicast', [ip], BOOL, isLinkLocalMulticast)],
  isLinkLocalUnicast: [method('ip_is_link_local_unicast', [ip], BOOL, isLinkLocalUnicast)],
  isGlobalUnicast: [method('ip_is_global_unicast', [ip], BOOL, isGlobalUnicast)],
  string: [
    global('ip_to_string', [ip], STRING, ({ address }) => addressText(address)),
    global('cidr_to_string', [cidr], STRING, cidrText),
  ],
}

function containsCIDR({ network }: CIDRValue, other: CIDRValue): boolean {
  return network.length <= other.network.length && containsAddress(network, other.network.address)
}

const cidrs: Functions = {
  cidr: [global('string_to_cidr', [string], CIDR, toCIDR)],
  isCIDR: [global('is_cidr', [string], BOOL, (x) => toCIDR(x) instanceof CIDRValue)],
  containsIP: [
    method('cidr_contains_ip_string', [cidr, string], BOOL, ({ network }, x) => {
      const value = toIP(x)
      return value instanceof Failed ? value : containsAddress(network, value.address)
    }),
    method('cidr_contains_ip_ip', [cidr, ip], BOOL, ({ network }, { address }) => containsAddress(network, address)),
  ],
  containsCIDR: [
    method('cidr_contains_cidr_string', [cidr, string], BOOL, (x, y) => {
      const value = toCIDR(y)
      return value instanceof Failed ? value : containsCIDR(x, value)
    }),
    method('cidr_contains_cidr', [cidr, cidr], BOOL, containsCIDR),
  ],
  prefixLength: [method('cidr_prefix_length', [cidr], INT, ({ network }) => BigInt(network.length))],
  masked: [method('cidr_masked', [cidr], CIDR, ({ network }) => new CIDRValue(masked(network)))],
}

interface UrlParts {
  scheme: string
  host: string
  path: string
  query: string
}

class URLValue extends OpaqueValue {
  readonly typeName = 'kubernetes.URL'
  readonly text: string
  readonly parts: UrlParts
  constructor(text: string, parts: UrlParts) {
    super()
    this.text = text
    this.parts = parts
  }
  equals(other: OpaqueValue): boolean {
    return other instanceof URLValue && other.text === this.text
  }
}

/** An absolute URL or an absolute path, as Go's url.ParseRequestURI takes it. */
function toURL(text: string): URLValue | Failed {
  const refuse = (reason: string): Failed =>
    new Failed(`URL parse error during conversion from string: parse ${JSON.stringify(text)}: ${reason}`)
  if (text === '') return refuse('empty url')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return refuse('net/url: invalid control character in URL')
  const found = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/s.exec(text)
  const [, scheme = '', , host = '', path = '', query = ''] = found ?? []
  if (scheme === '' && !text.startsWith('/')) return refuse('invalid URI for request')
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return refuse('invalid URL escape')
  if (/[\s<>"]/.test(host)) return refuse(`invalid character " " in host name`)
  const bare = host.slice(host.lastIndexOf('@') + 1)
  if (!/^(?:\[[0-9a-fA-F:.%]*\]|[^:[\]]*)(?::\d*)?$/.test(bare)) return refuse(`invalid port after host`)
  return new URLValue(text, { scheme: scheme.toLowerCase(), host: bare, path, query })
}

const hostname = (host: string): string => {
  const bracketed = /^\[(.*)\]/.exec(host)
  return bracketed ? (bracketed[1] ?? '') : host.replace(/:\d*$/, '')
}

const escapedPath = (path: string): string =>
  path.replace(/[^A-Za-z0-9\-._~$&+,/:;=@%!'()*]/gu, (c) => encodeURIComponent(c.toWellFormed()))

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

/** A map of lists; pairs that cannot be decoded are left out, as Go's URL.Query does. */
function queryOf(query: string): Value {
  const lists = new Map<string, Value[]>()
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue
    const at = pair.indexOf('=')
    const key = unescaped(at === -1 ? pair : pair.slice(0, at))
    const value = unescaped(at === -1 ? '' : pair.slice(at + 1))
    if (key === undefined || value === undefined) continue
    lists.set(key, [...(lists.get(key) ?? []), value])
  }
  const map = new Entries()
  for (const [key, values] of lists) map.insert(key, new Items(values))
  return map
}

const url = own<URLValue>(URL_TYPE)
const urls: Functions = {
  url: [global('string_to_url', [string], URL_TYPE, toURL)],
  isURL: [global('is_url_string', [string], BOOL, (x) => toURL(x) instanceof URLValue)],
  getScheme: [method('url_get_scheme', [url], STRING, ({ parts }) => parts.scheme)],
  getHost: [method('url_get_host', [url], STRING, ({ parts }) => parts.host)],
  getHostname: [method('url_get_hostname', [url], STRING, ({ parts }) => hostname(parts.host))],
  getPort: [
    method('url_get_port', [url], STRING, ({ parts }) => /:(\d*)$/.exec(parts.host.replace(/^\[.*\]/, ''))?.[1] ?? ''),
  ],
  getEscapedPath: [method('url_get_escaped_path', [url], STRING, ({ parts }) => escapedPath(parts.path))],
  getQuery: [method('url_get_query', [url], mapOf(STRING, listOf(STRING)), ({ parts }) => queryOf(parts.query))],
}

export const network: readonly Functions[] = [ips, cidrs, urls]
