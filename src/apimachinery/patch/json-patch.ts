// JSON Patch (RFC 6902), with bounds on what one patch may ask for.

import { cloneJson, isObject, type JsonObject, setOwn } from '../objects.ts'
import { PatchError } from './patch-error.ts'

/** Upstream's limit of operations in one patch. */
export const MAX_OPERATIONS = 10_000
/** What `copy` operations of one patch may add in all, as JSON text. */
export const MAX_COPIED_BYTES = 3 * 1024 * 1024

interface Operation {
  op: string
  path: string
  from?: string
  value?: unknown
}

const malformed = (message: string): PatchError => new PatchError(message, { unfit: false })
const unfit = (message: string): PatchError => new PatchError(message, { unfit: true })

/** `target` with the operations applied in order; `target` is not changed. Throws a PatchError; nothing is half applied. */
export function applyJsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw malformed('json: cannot unmarshal object into Go value of type jsonpatch.Patch')
  if (patch.length > MAX_OPERATIONS) {
    throw malformed(`The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`)
  }
  const document = { root: cloneJson(target) }
  let copied = 0
  for (const candidate of patch) {
    const operation = checked(candidate)
    copied += apply(document, operation)
    if (copied > MAX_COPIED_BYTES)
      throw malformed(
        `Unable to copy, the accumulated size increase of copy is ${copied}, exceeding the limit ${MAX_COPIED_BYTES}`,
      )
  }
  return document.root
}

function checked(candidate: unknown): Operation {
  if (!isObject(candidate)) throw malformed('json: cannot unmarshal value into Go value of type jsonpatch.Operation')
  const { op, path, from, value } = candidate
  if (typeof op !== 'string') throw malformed('Unexpected kind: unknown')
  if (typeof path !== 'string') throw malformed(`${op} operation: missing path`)
  if ((op === 'add' || op === 'replace' || op === 'test') && !Object.hasOwn(candidate, 'value')) {
    // evanphx/json-patch takes a missing value as null.
    return { op, path, value: null }
  }
  if (op === 'move' || op === 'copy') {
    if (typeof from !== 'string') throw malformed(`${op} operation failed to decode from: missing value`)
    return { op, path, from }
  }
  return { op, path, value }
}

/** Applies one operation; returns how many bytes it copied. */
function apply(document: { root: unknown }, { op, path, from = '', value }: Operation): number {
  switch (op) {
    case 'add':
      add(document, path, cloneJson(value), op)
      return 0
    case 'remove':
      remove(document, path, op)
      return 0
    case 'replace':
      read(document.root, path, op)
      if (path === '') document.root = cloneJson(value)
      else replace(document, path, cloneJson(value), op)
      return 0
    case 'move': {
      if (path.startsWith(`${from}/`)) throw unfit(`move operation: cannot move ${from} into ${path}`)
      const moved = read(document.root, from, op)
      remove(document, from, op)
      add(document, path, moved, op)
      return 0
    }
    case 'copy': {
      const copy = cloneJson(read(document.root, from, op))
      add(document, path, copy, op)
      return JSON.stringify(copy)?.length ?? 0
    }
    case 'test': {
      const found = tryRead(document.root, path)
      if (!deepEqual(found ?? null, value ?? null)) throw unfit(`testing value ${path} failed: test failed`)
      return 0
    }
    default:
      throw malformed(`Unexpected kind: ${op}`)
  }
}

function tokensOf(pointer: string, op: string): string[] {
  if (pointer === '') return []
  if (!pointer.startsWith('/'))
    throw unfit(`${op} operation does not apply: doc is missing path: ${JSON.stringify(pointer)}: missing value`)
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replace(/~1/g, '/').replace(/~0/g, '~'))
}

const missing = (op: string, path: string, key?: string): PatchError =>
  unfit(
    key === undefined
      ? `${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`
      : `${op} operation does not apply: doc is missing key: ${path}: missing value`,
  )

function child(container: unknown, token: string): { found: boolean; value: unknown } {
  if (Array.isArray(container)) {
    const index = /^(0|[1-9]\d{0,9})$/.test(token) ? Number(token) : Number.NaN
    return index < container.length ? { found: true, value: container[index] } : { found: false, value: undefined }
  }
  if (isObject(container) && Object.hasOwn(container, token)) return { found: true, value: container[token] }
  return { found: false, value: undefined }
}

function read(root: unknown, path: string, op: string): unknown {
  let value = root
  for (const token of tokensOf(path, op)) {
    const next = child(value, token)
    if (!next.found) throw missing(op, path, token)
    value = next.value
  }
  return value
}

function tryRead(root: unknown, path: string): unknown {
  try {
    return read(root, path, 'test')
  } catch (error) {
    if (error instanceof PatchError) return undefined
    throw error
  }
}

/** The container that the last token of `path` stands in. */
function parentOf(
  document: { root: unknown },
  path: string,
  op: string,
): { parent: JsonObject | unknown[]; last: string } {
  const tokens = tokensOf(path, op)
  const last = tokens.pop() ?? ''
  let value = document.root
  for (const token of tokens) {
    const next = child(value, token)
    if (!next.found) throw missing(op, path)
    value = next.value
  }
  if (!Array.isArray(value) && !isObject(value)) throw missing(op, path)
  return { parent: value, last }
}

function add(document: { root: unknown }, path: string, value: unknown, op: string): void {
  if (path === '') {
    document.root = value
    return
  }
  const { parent, last } = parentOf(document, path, op)
  if (!Array.isArray(parent)) {
    setOwn(parent, last, value)
    return
  }
  const index = last === '-' ? parent.length : Number(last)
  if (!/^(0|[1-9]\d{0,9}|-)$/.test(last) || index > parent.length) {
    throw unfit(
      `${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: Unable to access invalid index: ${last}: invalid index referenced`,
    )
  }
  parent.splice(index, 0, value)
}

function replace(document: { root: unknown }, path: string, value: unknown, op: string): void {
  const { parent, last } = parentOf(document, path, op)
  if (Array.isArray(parent)) parent[Number(last)] = value
  else setOwn(parent, last, value)
}

function remove(document: { root: unknown }, path: string, op: string): void {
  read(document.root, path, op)
  if (path === '') {
    document.root = null
    return
  }
  const { parent, last } = parentOf(document, path, op)
  if (Array.isArray(parent)) parent.splice(Number(last), 1)
  else delete parent[last]
}

/** Whether two JSON values are the same, in whatever order their members are. Every write compares objects: it makes no lists of their keys. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a)) return Array.isArray(b) && equalElements(a, b)
  return !Array.isArray(b) && equalMembers(a as JsonObject, b as JsonObject)
}

function equalElements(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!deepEqual(a[i], b[i])) return false
  return true
}

function equalMembers(a: JsonObject, b: JsonObject): boolean {
  let left = 0
  for (const key in a) {
    if (!Object.hasOwn(b, key) || !deepEqual(a[key], b[key])) return false
    left++
  }
  for (const _ in b) left--
  return left === 0
}
