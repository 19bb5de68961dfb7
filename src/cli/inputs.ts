// Reads what was typed: numbers, durations, choices. A mistake is exit code 2 and says what is expected.

import { UserError } from '../base/node/user-error.ts'
import type { Given } from './command.ts'

export function wrong(message: string, remedy: string): UserError {
  return new UserError(message, { remedy, exitCode: 2 })
}

export function numberOf(given: Given, name: string, { min, max }: { min: number; max: number }): number | undefined {
  const text = given.text(name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw wrong(`"${text}" is not a value for --${name}`, `use a number from ${min} to ${max}`)
  return value
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** `90s`, `5m`, `1h30m`, or seconds without a unit. */
export function durationMs(text: string, name: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text)
    throw wrong(`"${text}" is not a duration for --${name}`, 'use one like 30s, 5m or 1h30m')
  return parts.reduce((sum, [, value, unit]) => sum + Number(value) * (UNITS[unit ?? ''] ?? 0), 0)
}

export function choiceOf<T extends string>(given: Given, name: string, choices: readonly T[]): T | undefined {
  const text = given.text(name)
  if (text === undefined) return undefined
  const choice = choices.find((known) => known === text)
  if (choice === undefined) throw wrong(`"${text}" is not a value for --${name}`, `use one of: ${choices.join(', ')}`)
  return choice
}

export function wantsJSON(given: Given): boolean {
  return choiceOf(given, 'output', ['json']) === 'json'
}
