// Kubernetes' environment for expressions: the functions that every rule may call, and how a rule becomes a program.

import type { Expr } from './ast.ts'
import { check, walk } from './checker.ts'
import { merge, type Overload } from './declarations.ts'
import { CompileError, type Problem } from './errors.ts'
import { authorization } from './libraries/authorizer.ts'
import { kubernetesCallCost } from './libraries/call-costs.ts'
import { standard } from './libraries/conversions.ts'
import { lists } from './libraries/lists.ts'
import { namedFormats, regexes } from './libraries/named-formats.ts'
import { network } from './libraries/network.ts'
import { operators } from './libraries/operators.ts'
import { quantities } from './libraries/quantity.ts'
import { semvers } from './libraries/semver.ts'
import { strings } from './libraries/strings.ts'
import { parse } from './parser.ts'
import { plan, type Program } from './plan.ts'
import { patternOf } from './regex.ts'
import { duration, parseTimestamp } from './time.ts'
import type { Type } from './types.ts'
import { Failed } from './values.ts'

export const FUNCTIONS: ReadonlyMap<string, readonly Overload[]> = merge(
  ...operators,
  ...standard,
  strings,
  ...lists,
  ...network,
  quantities,
  semvers,
  namedFormats,
  regexes,
  authorization,
)

export interface Environment {
  readonly variables: ReadonlyMap<string, Type>
  fieldsOf(typeName: string): ReadonlyMap<string, Type> | undefined
  /** Further functions than those of `FUNCTIONS`. */
  readonly functions?: ReadonlyMap<string, readonly Overload[]>
}

export interface Compiled {
  readonly source: string
  readonly expr: Expr
  readonly type: Type
  /** The variables that are mentioned. */
  readonly uses: ReadonlySet<string>
  readonly program: Program
}

/** The expression is well-typed, but no program: a regular expression in it is none. */
export class InstantiationError extends Error {
  override name = 'InstantiationError'
}

/** Throws a CompileError or an InstantiationError. */
export function compile(source: string, environment: Environment): Compiled {
  const functions = environment.functions ?? FUNCTIONS
  const { variables } = environment
  const expr = parse(source)
  const type = check(source, expr, { functions, variables, fieldsOf: (name) => environment.fieldsOf(name) })
  validateLiterals(source, expr)
  const uses = new Set<string>()
  walk(expr, (e) => {
    if (e.is === 'ident' && variables.has(e.name)) uses.add(e.name)
  })
  const program = plan(expr, [...variables.keys()], { functions, callCost: kubernetesCallCost })
  return { source, expr, type, uses, program }
}

/** Literals that are wrong are said at once, not when the rule runs. */
function validateLiterals(source: string, expr: Expr): void {
  const problems: Problem[] = []
  walk(expr, (e) => {
    if (e.is !== 'call') return
    const literal = e.name === 'matches' ? e.args[e.args.length - 1] : e.args[0]
    if (literal?.is !== 'literal' || typeof literal.value !== 'string') return
    const wrong =
      (e.name === 'duration' && duration(literal.value) === undefined) ||
      (e.name === 'timestamp' && parseTimestamp(literal.value) === undefined) ||
      (e.name === 'matches' && patternOf(literal.value) instanceof Failed)
    const found = e.name === 'find' || e.name === 'findAll' ? patternOf(literal.value) : undefined
    if (found instanceof Failed) throw new InstantiationError(found.message)
    if (wrong) problems.push({ at: literal.at, message: `invalid ${e.name} argument` })
  })
  if (problems.length > 0) throw new CompileError(source, problems)
}
