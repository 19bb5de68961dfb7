// Writes docs/api-coverage.md: every kind with its verbs, subresources and old versions, as their pages declare them. `scripts/run scripts/api-coverage.ts`

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ALL_RESOURCES, type AnyResource, SUBRESOURCE_BODIES } from '../src/api/all.ts'
import { ALL_VERBS, type SubresourceFacts } from '../src/apimachinery/resource.ts'

export const COVERAGE_FILE = join(import.meta.dirname, '../docs/api-coverage.md')

const HEAD = `# What of the Kubernetes API is served

Made from the pages of the kinds (\`src/api\`) by \`scripts/run scripts/api-coverage.ts\`; a test fails when it is not current.
_all_ verbs are ${ALL_VERBS.join(', ')}.
The versions in the last column are views of the stored one: whatever is written
through one of them is read through all; a version in brackets with the release that deprecated it warns whoever uses it.
`

const COLUMNS = ['kind', 'group and version', 'namespaced', 'verbs', 'subresources', 'other versions']

/** The whole file. */
export function coverage(): string {
  const rows = [...ALL_RESOURCES].sort((a, b) => compare(a.group, b.group) || compare(a.kind, b.kind)).map(rowOf)
  const bodies = SUBRESOURCE_BODIES.map(({ kind, apiVersion, alsoAs = [] }) => {
    const versions = [apiVersion, ...alsoAs].map((version) => `\`${version}\``).join(', ')
    return `- \`${kind}\` (${versions})`
  })
  return `${HEAD}
${tableOf([COLUMNS, ...rows])}
${ALL_RESOURCES.length} kinds. These are only ever the body of a subresource:

${bodies.sort(compare).join('\n')}
`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** As the formatter writes tables: every column as wide as its widest cell. */
function tableOf([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)))
  const rule = widths.map((width) => '-'.repeat(width))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(' | ')} |\n`
  return [head, rule, ...rows].map(line).join('')
}

function rowOf(resource: AnyResource): string[] {
  const { kind, apiVersion, scope, verbs = ALL_VERBS } = resource
  return [
    kind,
    `\`${apiVersion}\``,
    scope === 'Namespaced' ? 'yes' : 'no',
    verbs.length === ALL_VERBS.length ? 'all' : verbs.join(', '),
    subresourcesOf(resource).join(', '),
    viewsOf(resource).join(', '),
  ]
}

function subresourcesOf({ subresources = {} }: AnyResource): string[] {
  const { status, scale, others = [] } = subresources
  const verbs = ({ name, verbs: served }: SubresourceFacts): string =>
    `${name} (${[...served].sort(compare).join(', ')})`
  return [...(status ? ['status'] : []), ...(scale ? ['scale'] : []), ...others.map(verbs)].sort(compare)
}

function viewsOf({ group, views = [] }: AnyResource): string[] {
  return views.map((view) => {
    const other = view.group ?? group
    const name = `\`${other === '' ? view.version : `${other}/${view.version}`}\``
    return view.deprecated ? `${name} (${view.deprecated.since})` : name
  })
}

if (import.meta.main) writeFileSync(COVERAGE_FILE, coverage())
