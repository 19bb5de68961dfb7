// Plays the scenarios beside it: API objects in, nftables and the fate of packets out. `--update` after the file name rewrites golden texts.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import type { Pod } from '../../../src/api/core/pod/pod.ts'
import type { Service } from '../../../src/api/core/service/service.ts'
import type { EndpointSlice } from '../../../src/api/discovery/endpoint-slice.ts'
import { printTable } from '../../../src/netlink/nft/serialize.ts'
import type { Table } from '../../../src/netlink/nft/model.ts'
import type { Packet } from '../../../src/netlink/nft/trace.ts'
import { trace } from '../../../src/netlink/nft/trace.ts'
import type { ProxyNode } from '../../../src/proxy/compile.ts'
import { compile } from '../../../src/proxy/compile.ts'
import { hostPorts } from '../../../src/proxy/host-ports.ts'
import { servicePorts } from '../../../src/proxy/service-ports.ts'

const directory = fileURLToPath(new URL('.', import.meta.url))
const isUpdate = process.argv.includes('--update')

type Manifest = { kind: string; metadata: { name: string; namespace?: string } }

/** What the script's commands act on. */
class Scenario {
  readonly #files: Map<string, string>
  readonly #objects = new Map<string, Manifest>()
  readonly #remembered = new Map<string, Set<string>>()
  #node: ProxyNode = {
    cluster: 'test',
    name: 'n1',
    addresses: ['192.168.0.1'],
    clusterCIDR: '10.244.0.0/16',
    podCIDR: '10.244.1.0/24',
    bridgeNetfilter: true,
  }

  constructor(files: Map<string, string>) {
    this.#files = files
  }

  play(line: string): void {
    const [command, ...words] = line.split(/\s+/)
    switch (command) {
      case 'start':
        this.#node = { ...this.#node, name: words[words.indexOf('--node') + 1] ?? this.#node.name }
        return
      case 'apply':
        for (const object of this.#manifests(words)) this.#objects.set(keyOf(object), object)
        return
      case 'delete':
        for (const object of this.#manifests(words)) this.#objects.delete(keyOf(object))
        return
      case 'same':
        this.#same(words[1] ?? '')
        return
      case 'empty':
        assert.equal(printTable(this.#table()), printTable(compile([], [], this.#node)))
        return
      case 'packet':
        this.#packet(line)
        return
      default:
        throw new Error(`Unknown command "${command ?? ''}"`)
    }
  }

  #manifests(names: readonly string[]): Manifest[] {
    return names.flatMap((name) => {
      const text = this.#files.get(name)
      if (text === undefined) throw new Error(`The scenario has no file "${name}"`)
      return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
    })
  }

  #table(): Table {
    const all = <T>(kind: string): T[] => [...this.#objects.values()].filter((object) => object.kind === kind) as T[]
    const ports = servicePorts(all<Service>('Service'), all<EndpointSlice>('EndpointSlice'), { node: this.#node.name })
    return compile(ports, hostPorts(all<Pod>('Pod'), this.#node.name), this.#node)
  }

  #same(name: string): void {
    const text = printTable(this.#table())
    if (isUpdate) this.#files.set(name, text)
    assert.equal(text, this.#files.get(name))
  }

  /** `packet tcp 10.9.0.4 -> 10.96.0.10:80 [random N] => dnat 10.244.1.1:8080 [masqueraded]` */
  #packet(line: string): void {
    const parts = /^packet (tcp|udp|sctp) (\S+) -> ([\d.]+):(\d+)(?: random (\d+))? +=> +(.+)$/.exec(line)
    if (parts === null) throw new Error(`Cannot read "${line}"`)
    const [, protocol, source = '', destination = '', port, random = '0', want] = parts
    const packet: Packet = {
      protocol: protocol === 'udp' ? 'udp' : protocol === 'sctp' ? 'sctp' : 'tcp',
      source,
      destination,
      destinationPort: Number(port),
    }
    const host = { addresses: this.#node.addresses, random: () => Number(random), remembered: this.#remembered }
    const outcome = trace([this.#table()], packet, host)
    const fate =
      outcome.verdict !== 'accept' ? outcome.verdict : outcome.dnat === undefined ? 'untouched' : `dnat ${outcome.dnat}`
    assert.equal(`${fate}${outcome.masquerade ? ' masqueraded' : ''}`, want, line)
  }
}

const keyOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`

/** A script, then files as `-- name --` and their text. */
function parse(text: string): { script: string[]; files: Map<string, string> } {
  const [script = '', ...rest] = text.split(/^-- (\S+) --\n/m)
  const files = new Map<string, string>()
  for (let i = 0; i < rest.length; i += 2) files.set(rest[i] ?? '', rest[i + 1] ?? '')
  const lines = script.split('\n').map((line) => line.replace(/#.*/, '').trim())
  return { script: lines.filter((line) => line !== ''), files }
}

describe('proxy scenarios', () => {
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.scn')))
    test(name, () => {
      const text = readFileSync(`${directory}${name}`, 'utf8')
      const { script, files } = parse(text)
      const scenario = new Scenario(files)
      for (const line of script) scenario.play(line)
      if (!isUpdate) return
      const head = text.split(/^-- \S+ --\n/m)[0] ?? ''
      writeFileSync(
        `${directory}${name}`,
        head + [...files].map(([file, content]) => `-- ${file} --\n${content}`).join(''),
      )
    })
})
