// What an old version can say is kept by the stored version, and read back from it.

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decode } from '../apimachinery/decode.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import { cloneJson, isObject } from '../apimachinery/objects.ts'
import type { Struct } from '../apimachinery/schema.ts'
import { arbitraryOf } from '../apimachinery/testing-arbitrary.ts'
import { VIEWS } from './all.ts'

const decoded = (struct: Struct, object: unknown): AnyObject =>
  decode(struct, object, { unknownFields: 'strict' }).value as AnyObject

/** Whether all that `part` says is said by `whole` in the same words. */
function says(whole: unknown, part: unknown, at = ''): void {
  if (Array.isArray(part)) {
    assert.ok(Array.isArray(whole) && whole.length === part.length, at)
    part.forEach((item, i) => {
      says(whole[i], item, `${at}[${i}]`)
    })
  } else if (isObject(part)) {
    assert.ok(isObject(whole) || Object.keys(part).length === 0, at)
    if (isObject(whole)) for (const [key, value] of Object.entries(part)) says(whole[key], value, `${at}.${key}`)
  } else assert.deepEqual(whole ?? 0, part ?? 0, at)
}

describe('every view', () => {
  for (const view of VIEWS) {
    const { apiVersion, kind, struct } = view.resource
    test(`${apiVersion} ${kind} is kept and read back`, () => {
      fc.assert(
        fc.property(arbitraryOf(struct as Struct), (object) => {
          const given = { ...object, apiVersion, kind, metadata: object['metadata'] ?? {} }
          const stored = view.convert(cloneJson(given) as unknown as AnyObject)
          assert.equal(stored.apiVersion, view.hub.apiVersion)
          const kept = decoded(view.hub.struct as Struct, stored)
          const shown = decoded(struct as Struct, view.fromHub(kept))
          says(shown, given)
          const again = view.fromHub(decoded(view.hub.struct as Struct, view.convert(cloneJson(shown))))
          assert.deepEqual(decoded(struct as Struct, again), shown)
        }),
        { numRuns: 40 },
      )
    })
  }
})
