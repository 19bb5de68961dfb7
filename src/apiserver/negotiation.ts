// Which form an answer takes: JSON, YAML or protobuf; the object itself, a table of it, or its metadata alone.

import * as errors from '../apimachinery/errors.ts'

export type MediaType = 'json' | 'yaml' | 'protobuf'
export type Projection = 'object' | 'table' | 'metadata'

export interface Representation {
  media: MediaType
  as: Projection
  contentType: string
}

interface Clause {
  type: string
  parameters: Map<string, string>
  quality: number
}

const MEDIA: Readonly<Record<string, MediaType>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
}
const PROJECTIONS: Readonly<Record<string, Projection>> = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata',
}
export const JSON_OBJECT: Representation = { media: 'json', as: 'object', contentType: 'application/json' }

/** What `kubectl get` sends is parsed once. */
const cache = new Map<string, Representation>()
const MAX_CACHED = 256
const MAX_CLAUSES = 32

/** Picks the first clause of `accept` that can be served; NotAcceptable when there is none. `offered` are the media that the answer exists in. */
export function negotiate(
  accept: string | undefined,
  offered: readonly MediaType[] = ['json', 'yaml'],
): Representation {
  if (!accept || accept === '*/*' || accept === 'application/json') return JSON_OBJECT
  const key = `${offered.length}${accept}`
  let chosen = cache.get(key)
  if (!chosen) {
    chosen = choose(accept, offered)
    if (cache.size < MAX_CACHED) cache.set(key, chosen)
  }
  return chosen
}

function choose(accept: string, offered: readonly MediaType[]): Representation {
  for (const { type, parameters } of parseAccept(accept)) {
    if (type === '*/*' || type === 'application/*') return JSON_OBJECT
    const media = Object.hasOwn(MEDIA, type) ? MEDIA[type] : undefined
    const kind = parameters.get('as')
    if (!media) continue
    if (kind === undefined && offered.includes(media)) return { media, as: 'object', contentType: type }
    const as = kind !== undefined && Object.hasOwn(PROJECTIONS, kind) ? PROJECTIONS[kind] : undefined
    const known = parameters.get('g') === 'meta.k8s.io' && /^v1(beta1)?$/.test(parameters.get('v') ?? '')
    // Metadata has protobuf numbers whatever the kind, a table has none.
    if (as && known && (as === 'metadata' || media !== 'protobuf')) return { media, as, contentType: type }
  }
  throw errors.notAcceptable(offered.map((o) => Object.entries(MEDIA).find(([, m]) => m === o)?.[0] ?? o))
}

/** The form of what went wrong: the first clause that asks for an object as it is, JSON where there is none (upstream hides no error behind another). */
export function negotiateError(accept: string | undefined): Representation {
  try {
    return negotiate(plainClauses(accept), ['json', 'yaml', 'protobuf'])
  } catch (error) {
    if (error instanceof errors.StatusError && error.status.reason === 'NotAcceptable') return JSON_OBJECT
    throw error
  }
}

function plainClauses(accept: string | undefined): string | undefined {
  return accept?.includes('as=')
    ? accept
        .split(',', MAX_CLAUSES)
        .filter((clause) => !/;\s*as=/.test(clause))
        .join(',')
    : accept
}

function parseAccept(accept: string): Clause[] {
  const clauses = accept.split(',', MAX_CLAUSES).map((part): Clause => {
    const [type = '', ...rest] = part.split(';').map((s) => s.trim())
    const parameters = new Map(
      rest.map((p): [string, string] => [p.slice(0, p.indexOf('=')), p.slice(p.indexOf('=') + 1)]),
    )
    return { type: type.toLowerCase(), parameters, quality: Number(parameters.get('q') ?? 1) }
  })
  return clauses.sort((a, b) => b.quality - a.quality)
}
