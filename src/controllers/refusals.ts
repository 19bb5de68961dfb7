// Refusals that controllers expect, because the world moves on while they work.

import { isNotFound, StatusError } from '../apimachinery/errors.ts'

/** The namespace is being deleted: nothing new is created in it, and nothing needs to be. */
export function isNamespaceTerminating(error: unknown): boolean {
  return (
    error instanceof StatusError &&
    (error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false)
  )
}

/** The object, or the namespace it should be in, is not there any more. */
export const isGone = isNotFound

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
