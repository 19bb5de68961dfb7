// The text of sets of indexes, as `1,3-5,7`: how jobs say which of their pods are done.

/** From `first` to `last`, both included. */
export interface IndexRange {
  first: number
  last: number
}

const INTEGER = /^[+-]?\d{1,10}$/

/** The ranges of `text`, in order. Throws in upstream's words when it is no set of indexes below `completions`. */
export function parseIndexes(text: string, completions: number): IndexRange[] {
  const ranges: IndexRange[] = []
  for (const part of text === '' ? [] : text.split(',')) {
    const range = parseRange(part, completions)
    const last = ranges.at(-1)?.last
    if (last !== undefined && last >= range.first) {
      throw new Error(`non-increasing order, previous: ${last}, current: ${range.first}`)
    }
    ranges.push(range)
  }
  return ranges
}

export function countIndexes(ranges: readonly IndexRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)
}

function parseRange(text: string, completions: number): IndexRange {
  const [from = '', to, ...more] = text.split('-')
  if (more.length > 0) {
    throw new Error(
      `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`,
    )
  }
  const first = parseIndex(from, completions)
  if (to === undefined) return { first, last: first }
  const last = parseIndex(to, completions)
  if (first >= last) throw new Error(`non-increasing order, previous: ${first}, current: ${last}`)
  return { first, last }
}

function parseIndex(text: string, completions: number): number {
  if (!INTEGER.test(text)) throw new Error(`cannot convert string to integer for index: ${JSON.stringify(text)}`)
  const index = Number(text)
  if (index >= completions) throw new Error(`too large index: ${JSON.stringify(text)}`)
  return index
}

/** The first index that is in both texts. Ranges that cannot be read are in neither: somebody else reports them. */
export function firstCommonIndex(a: string, b: string, completions: number): number | undefined {
  const [left, right] = [readable(a, completions), readable(b, completions)]
  const shared = left.flatMap((x) =>
    right.filter((y) => x.first <= y.last && y.first <= x.last).map((y) => Math.max(x.first, y.first)),
  )
  return shared.length === 0 ? undefined : Math.min(...shared)
}

function readable(text: string, completions: number): IndexRange[] {
  return text.split(',').flatMap((part) => {
    try {
      return [parseRange(part, completions)]
    } catch {
      return []
    }
  })
}
