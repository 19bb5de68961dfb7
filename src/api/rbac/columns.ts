// Whom a binding names, in the wide columns of `kubectl get`.

import type { Column } from '../../apimachinery/resource.ts'
import type { Subject } from './fields.ts'

interface Bound {
  subjects?: Subject[]
}

function names({ subjects = [] }: Bound, kind: string): string {
  return subjects
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === 'ServiceAccount' ? `${namespace ?? ''}/${name}` : name))
    .join(', ')
}

export const subjectColumns: readonly Column<Bound>[] = [
  { name: 'Users', priority: 1, description: 'The users.', cell: (binding) => names(binding, 'User') },
  { name: 'Groups', priority: 1, description: 'The groups.', cell: (binding) => names(binding, 'Group') },
  {
    name: 'ServiceAccounts',
    priority: 1,
    description: 'The service accounts.',
    cell: (binding) => names(binding, 'ServiceAccount'),
  },
]
