// The nft commands that turn one table into another, touching only the chains and elements that differ.

import type { Chain, NamedSet, Table } from './model.ts'
import { isDynamic } from './model.ts'
import {
  elementKeyText,
  elementText,
  hookText,
  nameText,
  ruleText,
  setHeadText,
  setWord,
  tableText,
} from './serialize.ts'

/** Elements per command: one line stays readable, and within nft's and netlink's message sizes. */
const ELEMENTS_PER_COMMAND = 500

/** Deletes whatever is there under the table's name. Works whether or not there is such a table. */
export function deleteTable(table: Pick<Table, 'family' | 'name'>): string[] {
  return [`add table ${tableText(table)}`, `delete table ${tableText(table)}`]
}

/** Commands for one transaction. `before` undefined: what the kernel has is unknown, and is replaced as a whole. */
export function diffTables(before: Table | undefined, after: Table): string[] {
  if (before === undefined || !canEdit(before, after))
    return [...deleteTable(after), `add table ${tableText(after)}`, ...edit(emptyTable(after), after)]
  return edit(before, after)
}

const emptyTable = (table: Table): Table => ({ ...table, sets: new Map(), chains: new Map() })

/** Whether what both have keeps its definition: a hook or a set's type is not changed in place but by writing the table anew. */
function canEdit(before: Table, after: Table): boolean {
  if (before.family !== after.family || before.name !== after.name) return false
  for (const [name, set] of after.sets) {
    const old = before.sets.get(name)
    if (old !== undefined && old !== set && (setWord(old) !== setWord(set) || setHeadText(old) !== setHeadText(set)))
      return false
  }
  for (const [name, chain] of after.chains) {
    const old = before.chains.get(name)
    if (old !== undefined && hookText(old) !== hookText(chain)) return false
  }
  return true
}

/** The order matters: what a rule or an element names must exist before it, and may go only after it. */
function edit(before: Table, after: Table): string[] {
  const at = tableText(after)
  const commands: string[] = []
  for (const [name, set] of after.sets)
    if (!before.sets.has(name)) commands.push(`add ${setWord(set)} ${at} ${nameText(name)} { ${setHeadText(set)} }`)
  for (const [name, chain] of after.chains)
    if (!before.chains.has(name))
      commands.push(`add chain ${at} ${nameText(name)}${chain.hook ? ` { ${hookText(chain)} }` : ''}`)

  const added: string[] = []
  for (const [name, old] of before.sets) {
    const set = after.sets.get(name)
    if (set === undefined || set === old || isDynamic(set)) continue
    const changes = elementChanges(old, set)
    commands.push(...elementCommands(`delete element ${at} ${nameText(name)}`, changes.gone))
    added.push(...elementCommands(`add element ${at} ${nameText(name)}`, changes.come))
  }
  for (const [name, set] of after.sets) {
    if (before.sets.has(name) || isDynamic(set)) continue
    const elements = [...set.elements].map(([key, value]) => elementText(set, key, value))
    added.push(...elementCommands(`add element ${at} ${nameText(name)}`, elements))
  }

  const goneChains = [...before.chains.keys()].filter((name) => !after.chains.has(name))
  const goneSets = [...before.sets].filter(([name]) => !after.sets.has(name))
  for (const name of goneChains) commands.push(`flush chain ${at} ${nameText(name)}`)
  for (const [name, chain] of after.chains) commands.push(...ruleCommands(at, name, before.chains.get(name), chain))
  commands.push(...added)
  for (const [name, set] of goneSets) commands.push(`delete ${setWord(set)} ${at} ${nameText(name)}`)
  for (const name of goneChains) commands.push(`delete chain ${at} ${nameText(name)}`)
  return commands
}

function elementChanges(before: NamedSet, after: NamedSet): { gone: string[]; come: string[] } {
  const gone: string[] = []
  const come: string[] = []
  for (const [key, value] of before.elements) if (after.elements.get(key) !== value) gone.push(elementKeyText(key))
  for (const [key, value] of after.elements)
    if (before.elements.get(key) !== value) come.push(elementText(after, key, value))
  return { gone, come }
}

function elementCommands(prefix: string, elements: readonly string[]): string[] {
  const commands: string[] = []
  for (let i = 0; i < elements.length; i += ELEMENTS_PER_COMMAND)
    commands.push(`${prefix} { ${elements.slice(i, i + ELEMENTS_PER_COMMAND).join(', ')} }`)
  return commands
}

function ruleCommands(at: string, name: string, before: Chain | undefined, after: Chain): string[] {
  if (before === after) return []
  const rules = after.rules.map(ruleText)
  const old = before?.rules.map(ruleText) ?? []
  if (before !== undefined && rules.length === old.length && rules.every((rule, i) => rule === old[i])) return []
  const adds = rules.map((rule) => `add rule ${at} ${nameText(name)} ${rule}`)
  return old.length > 0 ? [`flush chain ${at} ${nameText(name)}`, ...adds] : adds
}
