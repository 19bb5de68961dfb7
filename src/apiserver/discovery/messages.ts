// The discovery documents as protobuf messages, by their kinds.

import { list, ref, string, bool, struct, type Struct } from '../../apimachinery/schema.ts'

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1'

const groupVersion = struct(`${META}.GroupVersionForDiscovery`, { groupVersion: string(1), version: string(2) })
const address = struct(`${META}.ServerAddressByClientCIDR`, { clientCIDR: string(1), serverAddress: string(2) })
const verbs = struct(`${META}.Verbs`, { items: list(1, string()) })

const group = struct(`${META}.APIGroup`, {
  name: string(1),
  versions: list(2, groupVersion),
  preferredVersion: ref(3, groupVersion),
  serverAddressByClientCIDRs: list(4, address),
})

const resource = struct(`${META}.APIResource`, {
  name: string(1),
  namespaced: bool(2),
  kind: string(3),
  verbs: ref(4, verbs),
  shortNames: list(5, string()),
  singularName: string(6),
  categories: list(7, string()),
  group: string(8),
  version: string(9),
  storageVersionHash: string(10),
})

const MESSAGES: Readonly<Record<string, Struct>> = {
  APIVersions: struct(`${META}.APIVersions`, {
    versions: list(1, string()),
    serverAddressByClientCIDRs: list(2, address),
  }),
  APIGroupList: struct(`${META}.APIGroupList`, { groups: list(1, group) }),
  APIGroup: group,
  APIResourceList: struct(`${META}.APIResourceList`, { groupVersion: string(1), resources: list(2, resource) }),
}

export interface DiscoveryMessage {
  readonly struct: Struct
  readonly kind: string
  readonly apiVersion: string
  readonly value: object
}

/** A document of discovery as a message. On the wire the verbs are a message of their own. */
export function discoveryMessage(document: object): DiscoveryMessage | undefined {
  const {
    kind = '',
    apiVersion = '',
    resources,
  } = document as {
    kind?: string
    apiVersion?: string
    resources?: readonly { verbs: readonly string[] }[]
  }
  const message = Object.hasOwn(MESSAGES, kind) ? MESSAGES[kind] : undefined
  if (!message) return undefined
  const value = resources
    ? { ...document, resources: resources.map((entry) => ({ ...entry, verbs: { items: entry.verbs } })) }
    : document
  return { struct: message, kind, apiVersion, value }
}
