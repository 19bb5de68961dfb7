// Image references: what people type (`nginx`) made into what is meant (`docker.io/library/nginx:latest`), by the rules of the distribution project.

/** A reference with nothing left to guess. At least one of `tag` and `digest` is set. */
export interface Reference {
  readonly registry: string
  readonly repository: string
  readonly tag?: string
  readonly digest?: string
}

const DEFAULT_REGISTRY = 'docker.io'
const DEFAULT_TAG = 'latest'
/** Registry and repository together may be this long. */
const MAX_NAME_CHARS = 255

const HOST =
  /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::[0-9]{1,5})?$/
const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/
const DIGEST = /^sha256:[a-f0-9]{64}$/

/** Only sha256 is in use; what passes is safe as a file name. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text)
}

export function isTag(text: string): boolean {
  return TAG.test(text)
}

/** Parses and completes a reference; throws when it cannot name an image. */
export function parseReference(text: string): Reference {
  const refuse = (why: string): Error => new Error(`Cannot parse image reference ${JSON.stringify(text)}: ${why}`)
  const [beforeDigest = '', digest, ...more] = text.split('@')
  if (more.length > 0) throw refuse('it has more than one "@"')
  if (digest !== undefined && !isDigest(digest)) throw refuse('its digest is not sha256: and 64 hexadecimal digits')

  const lastSlash = beforeDigest.lastIndexOf('/')
  const colon = beforeDigest.indexOf(':', lastSlash + 1)
  const name = colon < 0 ? beforeDigest : beforeDigest.slice(0, colon)
  const tag = colon < 0 ? undefined : beforeDigest.slice(colon + 1)
  if (tag !== undefined && !isTag(tag)) throw refuse(`"${tag}" is not a tag`)

  const { registry, repository } = splitName(name)
  if (!HOST.test(registry)) throw refuse(`"${registry}" is not a registry host`)
  if (/[A-Z]/.test(repository)) throw refuse('the repository name must be lowercase')
  if (!REPOSITORY.test(repository)) throw refuse(`"${repository}" is not a repository name`)
  if (registry.length + repository.length + 1 > MAX_NAME_CHARS)
    throw refuse(`it is longer than ${MAX_NAME_CHARS} characters`)

  const chosen = tag ?? (digest === undefined ? DEFAULT_TAG : undefined)
  return {
    registry,
    repository,
    ...(chosen === undefined ? {} : { tag: chosen }),
    ...(digest === undefined ? {} : { digest }),
  }
}

/** The first part is a registry only if it looks like a host; `library/` is where Docker's official images live. */
function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost' || first !== first.toLowerCase()
  const registry = isHost ? first : DEFAULT_REGISTRY
  const repository = isHost ? name.slice(slash + 1) : name
  if (registry === 'index.docker.io') return splitName(`${DEFAULT_REGISTRY}/${repository}`)
  if (registry === DEFAULT_REGISTRY && !repository.includes('/'))
    return { registry, repository: `library/${repository}` }
  return { registry, repository }
}

export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** The one spelling of a reference: what the store is keyed by and what containerd asks for. */
export function normalizeReference(text: string): string {
  return formatReference(parseReference(text))
}

/** The short spelling people know (`nginx:latest`), as `docker images` shows it. */
export function familiarReference(text: string): string {
  const full = normalizeReference(text)
  if (full.startsWith(`${DEFAULT_REGISTRY}/library/`)) return full.slice(DEFAULT_REGISTRY.length + '/library/'.length)
  return full.startsWith(`${DEFAULT_REGISTRY}/`) ? full.slice(DEFAULT_REGISTRY.length + 1) : full
}
