// The list of planted bugs as the page that docs/ shows.

import type { Mutant } from './mutant.ts'

const HEAD = `# Planted bugs

The classes of bugs that other stores, watch caches and API servers have had, planted in Drover's source one by one. Each makes the test beside it fail. \`make mutants\` plants them
in a copy of the source, runs the tests, and writes this page when all are caught. A change that moves the source under one of them moves it along, in \`test/mutants/\`.

| the source then does this | class | seen | file | caught by |
| --- | --- | --- | --- | --- |
`

export function mutantTable(mutants: readonly Mutant[]): string {
  const rows = mutants.map(({ does, bugClass, seen, file, test, only }) => {
    const by = only === undefined ? `\`${test}\`` : `\`${test}\`, "${only.replaceAll('|', '" or "')}"`
    return `| ${[does, bugClass, seen ?? '', `\`${file}\``, by].join(' | ')} |\n`
  })
  return `${HEAD}${rows.join('')}`
}
