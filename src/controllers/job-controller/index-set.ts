// Sets of completion indexes and their text in the status: `1,3-5,7`.

import { parseIndexes } from '../../api/batch/job/indexes.ts'

/** Indexes that the job does not have (any more) are left out. */
export function indexSet(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>()
  for (const { first, last } of parseIndexes(text ?? '', Number.MAX_SAFE_INTEGER))
    for (let index = first; index <= last && index < completions; index++) indexes.add(index)
  return indexes
}

export function indexText(indexes: ReadonlySet<number>): string {
  const parts: string[] = []
  const sorted = [...indexes].sort((a, b) => a - b)
  for (let i = 0; i < sorted.length; ) {
    let end = i
    while (sorted[end + 1] === (sorted[end] ?? 0) + 1) end++
    // Two in a row are two, not a range.
    if (end === i) parts.push(`${sorted[i]}`)
    else if (end === i + 1) parts.push(`${sorted[i]}`, `${sorted[end]}`)
    else parts.push(`${sorted[i]}-${sorted[end]}`)
    i = end + 1
  }
  return parts.join(',')
}
