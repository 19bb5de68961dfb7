// Runs a user's regular expression: all its states are advanced together, so that the time is linear in the text.

/** The most states of an expression after its repetitions are spelt out. */
export const MAX_PATTERN_STATES = 10_000

/** An expression that RE2 would not take either. */
export class PatternError extends Error {
  override name = 'PatternError'
}

export type Node =
  | { is: 'char'; matches: (codePoint: number) => boolean }
  | { is: 'assert'; holds: (text: readonly number[], at: number) => boolean; edge?: 'begin' | 'end' }
  | { is: 'sequence'; of: Node[] }
  | { is: 'choice'; of: Node[] }
  | { is: 'repeat'; of: Node; min: number; max: number; lazy: boolean }

/** Where a state goes on: past a character, or without one. */
interface State {
  matches?: (codePoint: number) => boolean
  holds?: (text: readonly number[], at: number) => boolean
  /** `holds` at the beginning, or at the end, of the text only. */
  edge?: 'begin' | 'end'
  next: number[]
}

/** All states that are possible somewhere inside a text, and where each character leads. */
interface Together {
  /** Those that wait for a character. */
  readonly waiting: readonly number[]
  readonly from: readonly number[]
  readonly matched: boolean
  readonly next: (Together | undefined)[]
}
/** Sets of states that are remembered; with more, what is known is forgotten and learnt again. */
const MAX_TOGETHER = 256
const ASCII = 128

/** A Thompson automaton: all states are advanced together, so no text takes more than states × length steps. */
export class Program {
  readonly #states: State[] = []
  readonly #start: number
  readonly #end: number
  readonly #together = new Map<string, Together>()
  #isPlain: boolean | undefined

  constructor(node: Node) {
    this.#end = this.#add({ next: [] })
    this.#start = this.#build(node, this.#end)
  }

  #add(state: State): number {
    if (this.#states.length >= MAX_PATTERN_STATES) throw new PatternError('error parsing regexp: expression too large')
    return this.#states.push(state) - 1
  }

  /** Adds the states of `node`, which go on to `next`; returns where they begin. */
  #build(node: Node, next: number): number {
    switch (node.is) {
      case 'char':
        return this.#add({ matches: node.matches, next: [next] })
      case 'assert':
        return this.#add({ holds: node.holds, ...(node.edge ? { edge: node.edge } : {}), next: [next] })
      case 'sequence':
        return node.of.reduceRight((after, part) => this.#build(part, after), next)
      case 'choice':
        return this.#add({ next: node.of.map((part) => this.#build(part, next)) })
      case 'repeat':
        return this.#repeat(node, next)
    }
  }

  #repeat({ of, min, max, lazy }: Node & { is: 'repeat' }, next: number): number {
    // What comes first is preferred: once more, or, when lazy, on.
    const preferred = (again: number, on: number): number[] => (lazy ? [on, again] : [again, on])
    let start = next
    if (max === Number.POSITIVE_INFINITY) {
      const loop: State = { next: [] }
      start = this.#add(loop)
      loop.next = preferred(this.#build(of, start), next)
    } else {
      for (let i = min; i < max; i++) start = this.#add({ next: preferred(this.#build(of, start), next) })
    }
    for (let i = 0; i < min; i++) start = this.#build(of, start)
    return start
  }

  test(text: string): boolean {
    this.#isPlain ??= this.#states.every(({ holds, edge }) => holds === undefined || edge !== undefined)
    return this.#isPlain ? this.#testTogether(text) : this.#testEach(text)
  }

  /** With no word boundaries and no lines to look for, the same states recur: each set of them is worked out once. */
  #testTogether(text: string): boolean {
    const { length } = text
    const first = this.#reach([this.#start], length === 0 ? ['begin', 'end'] : ['begin'])
    if (first.matched || length === 0) return first.matched
    let at = 0
    let current: Together | undefined
    while (at < length) {
      const c = text.codePointAt(at) ?? 0
      if (current?.matched === true) return true
      let next = current?.next[c]
      if (next === undefined) {
        next = this.#inside(this.#step((current ?? first).waiting, c))
        if (current && c < ASCII) current.next[c] = next
      }
      current = next
      at += c > 0xffff ? 2 : 1
    }
    return this.#reach([...(current?.from ?? []), this.#start], ['end']).matched
  }

  /** Where a character leads from these states. */
  #step(waiting: readonly number[], c: number): number[] {
    const reached = new Set<number>()
    for (const index of waiting) {
      const state = this.#states[index]
      if (state?.matches?.(c) === true) for (const next of state.next) reached.add(next)
    }
    return [...reached].sort((x, y) => x - y)
  }

  #inside(from: readonly number[]): Together {
    const key = from.join(' ')
    const known = this.#together.get(key)
    if (known) return known
    const made: Together = { ...this.#reach([...from, this.#start], []), from, next: new Array(ASCII).fill(undefined) }
    if (this.#together.size >= MAX_TOGETHER) this.#together.clear()
    this.#together.set(key, made)
    return made
  }

  /** What is reached without a character, where these edges of the text are. */
  #reach(from: readonly number[], edges: readonly ('begin' | 'end')[]): { waiting: number[]; matched: boolean } {
    const seen = new Set<number>()
    const waiting: number[] = []
    const pending = [...from]
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (seen.has(index)) continue
      seen.add(index)
      const state = this.#states[index]
      if (!state) continue
      if (state.matches) waiting.push(index)
      else if (state.edge === undefined || edges.includes(state.edge)) {
        for (const next of state.next) pending.push(next)
      }
    }
    return { waiting, matched: seen.has(this.#end) }
  }

  #testEach(text: string): boolean {
    const points = Array.from(text, (c) => c.codePointAt(0) ?? 0)
    let current = new Set<number>()
    for (let at = 0; at <= points.length; at++) {
      // A match may begin anywhere.
      this.#enter(this.#start, current, points, at)
      if (current.has(this.#end)) return true
      const c = points[at]
      if (c === undefined) break
      const following = new Set<number>()
      for (const index of current) {
        const state = this.#states[index]
        if (state?.matches?.(c) === true) for (const next of state.next) this.#enter(next, following, points, at + 1)
      }
      current = following
    }
    return current.has(this.#end)
  }

  find(text: string, limit: number): string[] {
    const characters = Array.from(text)
    const points = characters.map((c) => c.codePointAt(0) ?? 0)
    const found: string[] = []
    let previousEnd = -1
    for (let from = 0; from <= points.length && found.length < limit; ) {
      const match = this.#match(points, from)
      if (match === undefined) break
      const [start, end] = match
      // An empty match right behind another one is none (Go's FindAll).
      if (end > start || start !== previousEnd) found.push(characters.slice(start, end).join(''))
      previousEnd = end
      from = end > start ? end : end + 1
    }
    return found
  }

  /** The leftmost match from `from` on. The threads are kept in the order of preference; a match ends all that come after it. */
  #match(points: readonly number[], from: number): [number, number] | undefined {
    let threads = new Map<number, number>()
    let best: [number, number] | undefined
    for (let at = from; at <= points.length; at++) {
      if (best === undefined) this.#follow(this.#start, at, threads, points, at)
      if (threads.size === 0) break
      const following = new Map<number, number>()
      const c = points[at]
      for (const [index, start] of threads) {
        if (index === this.#end) {
          best = [start, at]
          break
        }
        const state = this.#states[index]
        if (c === undefined || state?.matches?.(c) !== true) continue
        for (const next of state.next) this.#follow(next, start, following, points, at + 1)
      }
      threads = following
    }
    return best
  }

  /** As `#enter`, for threads that know where they began; depth first, so that the order is that of preference. */
  #follow(first: number, start: number, into: Map<number, number>, text: readonly number[], at: number): void {
    const pending = [first]
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (into.has(index)) continue
      into.set(index, start)
      const state = this.#states[index]
      if (state === undefined || state.matches !== undefined || state.holds?.(text, at) === false) continue
      for (let i = state.next.length - 1; i >= 0; i--) pending.push(state.next[i] ?? 0)
    }
  }

  /** Adds a state and all that it leads to without a character. */
  #enter(first: number, into: Set<number>, text: readonly number[], at: number): void {
    const pending = [first]
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (into.has(index)) continue
      into.add(index)
      const state = this.#states[index]
      if (state === undefined || state.matches !== undefined || state.holds?.(text, at) === false) continue
      pending.push(...state.next)
    }
  }
}
