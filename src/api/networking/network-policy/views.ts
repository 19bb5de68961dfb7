// NetworkPolicy as the group of extensions had it: protocols may be written in small letters, as they often were.

import type { AnyObject } from '../../../apimachinery/metadata.ts'
import { isObject, type JsonObject } from '../../../apimachinery/objects.ts'
import type { View } from '../../../apimachinery/view.ts'
import { keepAnnotation, takeAnnotation } from '../../annotations.ts'

/** Where it is kept how protocols were written: `{"ingress[0].ports[0]":"tcp"}`. */
const SPELLINGS = 'deprecated.networkpolicy.protocol.spellings'
const PROTOCOLS = new Set(['TCP', 'UDP', 'SCTP'])

function portsOf(spec: unknown): [at: string, port: JsonObject][] {
  if (!isObject(spec)) return []
  return ['ingress', 'egress'].flatMap((direction) => {
    const rules = spec[direction]
    if (!Array.isArray(rules)) return []
    return rules.flatMap((rule: unknown, i) => {
      const ports = isObject(rule) ? rule['ports'] : undefined
      if (!Array.isArray(ports)) return []
      return ports.flatMap((port: unknown, j): [string, JsonObject][] =>
        isObject(port) ? [[`${direction}[${i}].ports[${j}]`, port]] : [],
      )
    })
  })
}

function toHub(object: AnyObject): void {
  const spellings: Record<string, string> = {}
  for (const [at, port] of portsOf(object['spec'])) {
    const { protocol } = port
    if (typeof protocol !== 'string' || PROTOCOLS.has(protocol) || !PROTOCOLS.has(protocol.toUpperCase())) continue
    spellings[at] = protocol
    port['protocol'] = protocol.toUpperCase()
  }
  if (Object.keys(spellings).length === 0) return
  keepAnnotation(object.metadata, SPELLINGS, JSON.stringify(spellings))
}

function spellingsIn(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

function fromHub({ metadata, ...object }: AnyObject): void {
  const text = takeAnnotation(metadata, SPELLINGS)
  if (text === undefined) return
  const spellings = spellingsIn(text)
  for (const [at, port] of portsOf(object['spec'])) {
    const spelling = Object.hasOwn(spellings, at) ? spellings[at] : undefined
    // The port may be another by now.
    if (typeof spelling === 'string' && spelling.toUpperCase() === port['protocol']) port['protocol'] = spelling
  }
}

export const networkPolicyViews: readonly View[] = [
  {
    group: 'extensions',
    version: 'v1beta1',
    deprecated: { since: '1.9', removed: '1.16' },
    toHub,
    fromHub,
  },
]
