// The ways to mount a volume: as a field of claims and volumes, and as tables show them.

import { list, oneOf } from '../../../apimachinery/schema.ts'

const SHORT = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' } as const

export type AccessMode = keyof typeof SHORT
/** In the order of tables. */
export const ACCESS_MODES: readonly AccessMode[] = [
  'ReadWriteOnce',
  'ReadOnlyMany',
  'ReadWriteMany',
  'ReadWriteOncePod',
]

/** Upstream reports a wrong mode at the list, not at its place in it. */
export const accessModes = (number: number): ReturnType<typeof list<AccessMode>> =>
  list(number, oneOf(0, ACCESS_MODES), { list: 'atomic', unchecked: true })

/** `RWO,RWX`: each once, in a fixed order. */
export function accessModesText(modes: readonly AccessMode[] = []): string {
  return ACCESS_MODES.filter((mode) => modes.includes(mode))
    .map((mode) => SHORT[mode])
    .join(',')
}
