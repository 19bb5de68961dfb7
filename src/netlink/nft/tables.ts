// Applies tables to the kernel in single transactions and says where the kernel has drifted from them.

import type { CommandOptions, RunCommand } from '../command.ts'
import { succeed } from '../command.ts'
import { deleteTable, diffTables } from './diff.ts'
import type { Table } from './model.ts'
import { isDynamic } from './model.ts'
import { tableText } from './serialize.ts'

export interface AppliedTables {
  /** Makes the kernel's table this one, in one transaction, writing only what changed since the last call. Returns the commands. */
  apply(table: Table, options?: CommandOptions): Promise<readonly string[]>
  /** Deletes the table, if there is one. */
  remove(table: Pick<Table, 'family' | 'name'>, options?: CommandOptions): Promise<void>
  /** What somebody else changed, one line each; nothing when the kernel holds exactly what was applied. */
  drift(table: Table, options?: CommandOptions): Promise<readonly string[]>
  /** Forgets what was applied, so that the next `apply` writes the table anew. */
  forget(table: Pick<Table, 'family' | 'name'>): void
}

const keyOf = (table: Pick<Table, 'family' | 'name'>): string => `${table.family} ${table.name}`

/** Tables as this process applied them. Calls for one table must not overlap. */
export function appliedTables(run: RunCommand): AppliedTables {
  const applied = new Map<string, Table>()
  const commit = async (commands: readonly string[], options?: CommandOptions): Promise<void> => {
    await succeed(run, ['nft', '-f', '-'], { ...options, input: `${commands.join('\n')}\n` })
  }
  return {
    async apply(table, options) {
      const key = keyOf(table)
      const before = applied.get(key)
      // Until the transaction is known to be in, the kernel's state is not known.
      applied.delete(key)
      let commands = diffTables(before, table)
      if (commands.length > 0) {
        try {
          await commit(commands, options)
        } catch (error) {
          if (before === undefined || options?.signal?.aborted) throw error
          // Somebody changed the table under our feet: what is right can still be written as a whole.
          commands = diffTables(undefined, table)
          await commit(commands, options)
        }
      }
      applied.set(key, table)
      return commands
    },
    async remove(table, options) {
      applied.delete(keyOf(table))
      await commit(deleteTable(table), options)
    },
    async drift(table, options) {
      const result = await run(['nft', '-j', 'list', 'table', ...tableText(table).split(' ')], options)
      if (result.code !== 0) return [`table ${tableText(table)} is gone`]
      return compare(table, parseListing(result.stdout))
    },
    forget(table) {
      applied.delete(keyOf(table))
    },
  }
}

/** Names of all tables of a family whose name begins with `prefix`. */
export async function listTables(run: RunCommand, family: Table['family'], prefix: string): Promise<string[]> {
  const listing: unknown = JSON.parse(await succeed(run, ['nft', '-j', 'list', 'tables', family]))
  return entries(listing).flatMap(([kind, value]) =>
    kind === 'table' && typeof value['name'] === 'string' && value['name'].startsWith(prefix) ? [value['name']] : [],
  )
}

/** What a listing holds: per chain its number of rules, per set its number of elements. */
interface Listing {
  readonly rules: Map<string, number>
  readonly elements: Map<string, number>
}

function parseListing(text: string): Listing {
  const rules = new Map<string, number>()
  const elements = new Map<string, number>()
  for (const [kind, value] of entries(JSON.parse(text))) {
    const name = String(value['name'])
    if (kind === 'chain') rules.set(name, 0)
    if (kind === 'rule') {
      const chain = String(value['chain'])
      rules.set(chain, (rules.get(chain) ?? 0) + 1)
    }
    if (kind === 'set' || kind === 'map') elements.set(name, Array.isArray(value['elem']) ? value['elem'].length : 0)
  }
  return { rules, elements }
}

/** nft's JSON is `{"nftables": [{"chain": {…}}, {"rule": {…}}, …]}`. */
function entries(listing: unknown): [kind: string, value: Record<string, unknown>][] {
  if (!isRecord(listing) || !Array.isArray(listing['nftables']))
    throw new Error('Cannot read listing of nft: no "nftables" in it')
  return listing['nftables'].flatMap((entry: unknown) =>
    isRecord(entry)
      ? Object.entries(entry).flatMap(([kind, value]) =>
          isRecord(value) ? [[kind, value] as [string, typeof value]] : [],
        )
      : [],
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

function compare(table: Table, { rules, elements }: Listing): string[] {
  const drift: string[] = []
  for (const [name, chain] of table.chains) {
    const found = rules.get(name)
    if (found !== chain.rules.length)
      drift.push(`chain "${name}" has ${found ?? 'no'} rules instead of ${chain.rules.length}`)
  }
  for (const [name, set] of table.sets) {
    const found = elements.get(name)
    if (found === undefined) drift.push(`set "${name}" is gone`)
    else if (!isDynamic(set) && found !== set.elements.size)
      drift.push(`set "${name}" has ${found} elements instead of ${set.elements.size}`)
  }
  for (const name of rules.keys()) if (!table.chains.has(name)) drift.push(`chain "${name}" is not ours`)
  for (const name of elements.keys()) if (!table.sets.has(name)) drift.push(`set "${name}" is not ours`)
  return drift
}
