// Short names for what objects are made from: the same for the same content, whatever the order of its keys, and after every restart.

const SAFE = 'bcdfghjklmnpqrstvwxz2456789'

/** FNV-1a of the canonical text, in letters that spell nothing. `collisionCount` makes another name when one was taken. */
export function stableHash(value: unknown, collisionCount: number | undefined): string {
  const text = `${canonical(value)}${collisionCount ?? ''}`
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return [...String(hash)].map((digit) => SAFE[digit.charCodeAt(0) % SAFE.length]).join('')
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ''
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, v]) => `${JSON.stringify(key)}:${canonical(v)}`).join(',')}}`
}
