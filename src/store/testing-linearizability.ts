// Decides whether a concurrent history has a sequential order that explains every answer: Wing and Gong's search, remembering where it has been.

/** What was asked of one key, and what came of it. Values must be unique in a history, or wrong answers can pass for right ones. */
export type Action =
  | { do: 'get'; saw: Seen | undefined }
  | { do: 'write'; value: string | null; expected?: number; answer: WriteAnswer }

export interface Seen {
  value: string
  revision: number
}

/** `unknown`: the store died; the write may have happened then, or later, or never. */
export type WriteAnswer = { ok: true; revision: number } | { ok: false; current: Seen | undefined } | 'unknown'

export interface Operation {
  key: string
  action: Action
  /** From one counter for the whole history: everything that returned before another was called has the smaller number. */
  called: number
  returned: number
}

/** Every key whose history has no explanation, and every pair of writes whose revisions are against the order of time; empty = linearizable. */
export function checkLinearizable(history: readonly Operation[]): string[] {
  const problems = checkRevisionOrder(history)
  for (const [key, operations] of Map.groupBy(history, ({ key }) => key)) {
    const stuck = search(operations)
    if (stuck) problems.push(`"${key}" has no order that explains its answers: ${describe(stuck)} fits nowhere`)
  }
  return problems
}

/** Keys are checked one by one, which is enough for the values; revisions are shared by all, and grow with time. */
function checkRevisionOrder(history: readonly Operation[]): string[] {
  const problems: string[] = []
  const written = history.flatMap(({ action, called, returned }) =>
    action.do === 'write' && action.answer !== 'unknown' && action.answer.ok
      ? [{ revision: action.answer.revision, called, returned }]
      : [],
  )
  const byReturn = [...written].sort((a, b) => a.returned - b.returned)
  let done = 0
  let newest = 0
  for (const { revision, called } of written.sort((a, b) => a.called - b.called)) {
    for (; (byReturn[done]?.returned ?? Number.POSITIVE_INFINITY) < called; done++)
      newest = Math.max(newest, byReturn[done]?.revision ?? 0)
    if (revision <= newest) problems.push(`revision ${revision} was given after ${newest} had been`)
  }
  return problems
}

/** A key is absent, or has a value at a revision; that of a write which was never answered is not known before somebody reads it. */
type State = { value: string; revision: number | undefined } | undefined

interface Step {
  /** All operations before this one have been placed. */
  base: number
  /** Those behind it that have been placed, too. */
  beyond: readonly number[]
  state: State
}

/** The operation that nothing explains, or undefined when there is an order. */
function search(operations: readonly Operation[]): Operation | undefined {
  const sorted = [...operations].sort((a, b) => a.called - b.called)
  const tried = new Set<string>()
  const open: Step[] = [{ base: 0, beyond: [], state: undefined }]
  let furthest = 0
  while (open.length > 0) {
    const step = open.pop()
    if (!step) break
    furthest = Math.max(furthest, step.base)
    if (restIsUnknown(sorted, step)) return undefined
    for (const index of candidates(sorted, step)) {
      const operation = sorted[index]
      const next = operation && apply(operation.action, step.state)
      if (!next) continue
      const placed = place(step, index, next.state)
      const name = `${placed.base} ${placed.beyond.join(',')} ${placed.state?.value} ${placed.state?.revision}`
      if (tried.has(name)) continue
      tried.add(name)
      open.push(placed)
    }
  }
  return sorted[furthest]
}

/** What was never answered need not have happened. */
function restIsUnknown(sorted: readonly Operation[], { base, beyond }: Step): boolean {
  for (let i = base; i < sorted.length; i++) {
    if (sorted[i]?.returned !== Number.POSITIVE_INFINITY && !beyond.includes(i)) return false
  }
  return true
}

/** Those that may come next: called before any that is left had returned. */
function candidates(sorted: readonly Operation[], { base, beyond }: Step): number[] {
  const found: number[] = []
  let firstReturn = Number.POSITIVE_INFINITY
  for (let i = base; i < sorted.length; i++) {
    const operation = sorted[i]
    if (!operation || operation.called > firstReturn) break
    if (beyond.includes(i)) continue
    found.push(i)
    firstReturn = Math.min(firstReturn, operation.returned)
  }
  // The search takes the last first: what was called first is the likeliest.
  return found.reverse()
}

function place({ base, beyond }: Step, index: number, state: State): Step {
  const placed = new Set([...beyond, index])
  let next = base
  while (placed.delete(next)) next++
  return { base: next, beyond: [...placed].sort((a, b) => a - b), state }
}

/** The state after it, or undefined when the answer is impossible here. */
function apply(action: Action, state: State): { state: State } | undefined {
  if (action.do === 'get') return agree(state, action.saw)
  const { answer, value, expected } = action
  if (answer !== 'unknown' && !answer.ok) {
    const seen = agree(state, answer.current)
    return seen && !mayHappen(action, seen.state, 'surely') ? seen : undefined
  }
  if (!mayHappen({ value, ...(expected === undefined ? {} : { expected }) }, state, 'maybe')) return undefined
  const revision = answer === 'unknown' ? undefined : answer.revision
  // The next revision is larger than the one before.
  if (revision !== undefined && state?.revision !== undefined && revision <= state.revision) return undefined
  return { state: value === null ? undefined : { value, revision } }
}

function agree(state: State, seen: Seen | undefined): { state: State } | undefined {
  if (state === undefined || seen === undefined) return state === seen ? { state } : undefined
  const same = state.value === seen.value && (state.revision === undefined || state.revision === seen.revision)
  return same ? { state: { ...seen } } : undefined
}

/** Whether the write's condition holds. `maybe` gives a revision that nobody knows the benefit of the doubt. */
function mayHappen(
  { value, expected }: { value: string | null; expected?: number },
  state: State,
  how: 'maybe' | 'surely',
): boolean {
  if (value === null && state === undefined) return false
  if (expected === undefined) return true
  if (state === undefined) return expected === 0
  if (state.revision === undefined) return how === 'maybe' && expected !== 0
  return state.revision === expected
}

function describe({ action, called, returned }: Operation): string {
  return `${JSON.stringify(action)}, called at ${called}, answered at ${returned}`
}
