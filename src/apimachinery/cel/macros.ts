// The macros: calls that the parser turns into loops, presence tests and conditions.

import { ACCUMULATOR, type Call, type Comprehension, type Expr } from './ast.ts'

export interface MacroBuilder {
  id(): number
  problem(at: number, message: string): void
}

/** What a macro writes; every node stands where the macro's call stands. */
class Writer {
  readonly #builder: MacroBuilder
  readonly #at: number
  constructor(builder: MacroBuilder, at: number) {
    this.#builder = builder
    this.#at = at
  }
  literal(value: boolean | bigint): Expr {
    return { is: 'literal', id: this.#builder.id(), at: this.#at, value }
  }
  list(...items: Expr[]): Expr {
    return { is: 'list', id: this.#builder.id(), at: this.#at, items, optional: new Set() }
  }
  map(...entries: [Expr, Expr][]): Expr {
    const made = entries.map(([key, value]) => ({ key, value, optional: false }))
    return { is: 'map', id: this.#builder.id(), at: this.#at, entries: made }
  }
  ident(name: string): Expr {
    return { is: 'ident', id: this.#builder.id(), at: this.#at, name }
  }
  accumulated(): Expr {
    return this.ident(ACCUMULATOR)
  }
  call(name: string, ...args: Expr[]): Expr {
    return { is: 'call', id: this.#builder.id(), at: this.#at, name, args }
  }
  method(target: Expr, name: string, ...args: Expr[]): Expr {
    return { is: 'call', id: this.#builder.id(), at: this.#at, name, target, args }
  }
  has(of: Expr, field: string): Expr {
    return { is: 'select', id: this.#builder.id(), at: this.#at, of, field, test: true }
  }
  loop(range: Expr, names: readonly string[], parts: Parts): Expr {
    const [variable = '', variable2] = names
    const loop: Comprehension = {
      is: 'comprehension',
      id: this.#builder.id(),
      at: this.#at,
      range,
      variable,
      ...(variable2 === undefined ? {} : { variable2 }),
      accumulator: ACCUMULATOR,
      ...parts,
    }
    return loop
  }
  problem(at: number, message: string): undefined {
    this.#builder.problem(at, message)
  }
}

interface Parts {
  init: Expr
  condition: Expr
  step: Expr
  result: Expr
}

type Macro = (w: Writer, target: Expr, args: readonly Expr[]) => Expr | undefined

/** The loop's variables, or undefined after saying what is wrong. */
function variables(w: Writer, args: readonly Expr[], complaint: string): string[] | undefined {
  const names: string[] = []
  for (const arg of args) {
    if (arg.is !== 'ident') return w.problem(arg.at, complaint)
    if (arg.name === ACCUMULATOR || arg.name === '__result__') {
      return w.problem(arg.at, 'iteration variable overwrites accumulator variable')
    }
    if (names.includes(arg.name)) return w.problem(arg.at, `duplicate variable name: ${arg.name}`)
    names.push(arg.name)
  }
  return names
}

const SIMPLE = 'argument must be a simple name'

function quantifier(count: 1 | 2, partsOf: (w: Writer, predicate: Expr) => Parts): Macro {
  return (w, target, args) => {
    const names = variables(w, args.slice(0, count), SIMPLE)
    const predicate = args[count]
    return names && predicate && w.loop(target, names, partsOf(w, predicate))
  }
}

const allParts = (w: Writer, predicate: Expr): Parts => ({
  init: w.literal(true),
  condition: w.call('@not_strictly_false', w.accumulated()),
  step: w.call('_&&_', w.accumulated(), predicate),
  result: w.accumulated(),
})
const existsParts = (w: Writer, predicate: Expr): Parts => ({
  init: w.literal(false),
  condition: w.call('@not_strictly_false', w.call('!_', w.accumulated())),
  step: w.call('_||_', w.accumulated(), predicate),
  result: w.accumulated(),
})
const existsOneParts = (w: Writer, predicate: Expr): Parts => ({
  init: w.literal(0n),
  condition: w.literal(true),
  step: w.call('_?_:_', predicate, w.call('_+_', w.accumulated(), w.literal(1n)), w.accumulated()),
  result: w.call('_==_', w.accumulated(), w.literal(1n)),
})

/** The parts of a loop that collects; `filter` lets only some values in. */
function collecting(w: Writer, init: Expr, add: Expr, filter: Expr | undefined): Parts {
  const step = filter ? w.call('_?_:_', filter, add, w.accumulated()) : add
  return { init, condition: w.literal(true), step, result: w.accumulated() }
}

const NOT_IDENT = 'argument is not an identifier'

const map: Macro = (w, target, args) => {
  const names = variables(w, args.slice(0, 1), NOT_IDENT)
  const value = args[args.length - 1]
  if (!names || !value) return undefined
  const filter = args.length === 3 ? args[1] : undefined
  const add = w.call('_+_', w.accumulated(), w.list(value))
  return w.loop(target, names, collecting(w, w.list(), add, filter))
}

const filter: Macro = (w, target, args) => {
  const names = variables(w, args.slice(0, 1), NOT_IDENT)
  const [variable, predicate] = args
  if (!names || !variable || !predicate) return undefined
  const add = w.call('_+_', w.accumulated(), w.list({ ...variable }))
  return w.loop(target, names, collecting(w, w.list(), add, predicate))
}

const transform =
  (kind: 'list' | 'map' | 'entry'): Macro =>
  (w, target, args) => {
    const names = variables(w, args.slice(0, 2), SIMPLE)
    const value = args[args.length - 1]
    if (!names || !value) return undefined
    const predicate = args.length === 4 ? args[2] : undefined
    if (kind === 'list') {
      const add = w.call('_+_', w.accumulated(), w.list(value))
      return w.loop(target, names, collecting(w, w.list(), add, predicate))
    }
    const add =
      kind === 'entry'
        ? w.call('cel.@mapInsert', w.accumulated(), value)
        : w.call('cel.@mapInsert', w.accumulated(), w.ident(names[0] ?? ''), value)
    return w.loop(target, names, collecting(w, w.map(), add, predicate))
  }

const UNUSED = '#unused'

/** optMap and optFlatMap: a loop over nothing, which only names the value. */
const optional =
  (flat: boolean): Macro =>
  (w, target, args) => {
    const [variable, body] = args
    const name = flat ? 'optFlatMap' : 'optMap'
    if (variable?.is !== 'ident' || !body) {
      return w.problem(variable?.at ?? 0, `${name}() variable name must be a simple identifier`)
    }
    const named = w.loop(w.list(), [UNUSED], {
      init: w.method(target, 'value'),
      condition: w.literal(false),
      step: w.ident(variable.name),
      result: body,
    })
    if (named.is === 'comprehension') named.accumulator = variable.name
    const some = flat ? named : w.call('optional.of', named)
    return w.call('_?_:_', w.method(target, 'hasValue'), some, w.call('optional.none'))
  }

const METHODS: Readonly<Record<string, Macro>> = {
  'all:2': quantifier(1, allParts),
  'exists:2': quantifier(1, existsParts),
  'exists_one:2': quantifier(1, existsOneParts),
  'existsOne:2': quantifier(1, existsOneParts),
  'all:3': quantifier(2, allParts),
  'exists:3': quantifier(2, existsParts),
  'existsOne:3': quantifier(2, existsOneParts),
  'exists_one:3': quantifier(2, existsOneParts),
  'map:2': map,
  'map:3': map,
  'filter:2': filter,
  'transformList:3': transform('list'),
  'transformList:4': transform('list'),
  'transformMap:3': transform('map'),
  'transformMap:4': transform('map'),
  'transformMapEntry:3': transform('entry'),
  'transformMapEntry:4': transform('entry'),
  'optMap:2': optional(false),
  'optFlatMap:2': optional(true),
  'sortBy:2': (w, target, args) => sortBy(w, target, args),
}

/** `l.sortBy(x, key)`: the keys are computed once, then both lists are sorted together. */
const sortBy: Macro = (w, target, args) => {
  const names = variables(
    w,
    args.slice(0, 1),
    'sortBy can only be applied to a list, identifier, comprehension, call or select expression',
  )
  const key = args[1]
  if (!names || !key) return undefined
  const add = w.call('_+_', w.accumulated(), w.list(key))
  const keys = w.loop(w.ident(SORTED), names, collecting(w, w.list(), add, undefined))
  const sorted = w.method(w.ident(SORTED), '@sortByAssociatedKeys', keys)
  const bound = w.loop(w.list(), [UNUSED], {
    init: target,
    condition: w.literal(false),
    step: w.ident(SORTED),
    result: sorted,
  })
  if (bound.is === 'comprehension') bound.accumulator = SORTED
  return bound
}
const SORTED = '@__sortBy_input__'

/** The expansion of a call, or undefined when it is no macro (or a wrong one, which has been said). */
export function expandMacro(call: Call, builder: MacroBuilder): Expr | undefined {
  const w = new Writer(builder, call.at)
  if (call.target) {
    const key = `${call.name}:${call.args.length}`
    return Object.hasOwn(METHODS, key) ? METHODS[key]?.(w, call.target, call.args) : undefined
  }
  const [arg] = call.args
  if (call.name !== 'has' || call.args.length !== 1 || !arg) return undefined
  if (arg.is !== 'select') return w.problem(arg.at, 'invalid argument to has() macro')
  return w.has(arg.of, arg.field)
}
