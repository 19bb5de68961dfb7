// Checks conditions of the form that newer kinds share.

import type { Issues } from '../apimachinery/issues.ts'
import type { Condition } from '../apimachinery/metadata.ts'
import { checkQualifiedName, checkValue } from '../apimachinery/validation.ts'

const STATUSES = ['False', 'True', 'Unknown']
const REASON = '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?'
const REASON_REGEX = new RegExp(`^${REASON}$`)
const REASON_MESSAGE = `a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '${REASON}')`
const MAX_REASON_BYTES = 1024
const MAX_MESSAGE_BYTES = 32_768

/** That fields which must be there are there is the schema's to say. */
export function validateConditions(conditions: readonly Condition[], at: string, issues: Issues): void {
  const types = new Set<string>()
  conditions.forEach(({ type = '', status, observedGeneration = 0, reason = '', message = '' }, i) => {
    const here = `${at}[${i}]`
    if (types.has(type)) issues.duplicate(`${here}.type`, type)
    types.add(type)
    checkValue(type, checkQualifiedName, `${here}.type`, issues)
    if (status !== undefined && !STATUSES.includes(status)) issues.notSupported(`${here}.status`, status, STATUSES)
    if (observedGeneration < 0) {
      issues.invalid(`${here}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero')
    }
    if (reason !== '' && !REASON_REGEX.test(reason)) issues.invalid(`${here}.reason`, reason, REASON_MESSAGE)
    if (reason.length > MAX_REASON_BYTES) issues.tooLong(`${here}.reason`, MAX_REASON_BYTES)
    if (Buffer.byteLength(message) > MAX_MESSAGE_BYTES) issues.tooLong(`${here}.message`, MAX_MESSAGE_BYTES)
  })
}
