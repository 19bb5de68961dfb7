// Named network namespaces, through `ip netns`.

import type { RunCommand } from './command.ts'
import { CommandError, succeed } from './command.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$/

export function checkNamespaceName(name: string): string {
  if (!NAME.test(name)) throw new Error(`Cannot use network namespace: ${JSON.stringify(name)} is not a name`)
  return name
}

/** Where `ip netns` keeps the namespace, for tools that want a path (CNI). */
export const namespacePath = (name: string): string => `/run/netns/${checkNamespaceName(name)}`

export async function createNamespace(run: RunCommand, name: string): Promise<void> {
  const argv = ['ip', 'netns', 'add', checkNamespaceName(name)]
  const result = await run(argv)
  if (result.code !== 0 && !/File exists/.test(result.stderr)) throw new CommandError(argv, result)
  await succeed(run, ['ip', '-netns', name, 'link', 'set', 'dev', 'lo', 'up'])
}

/** Gone afterwards, as are its interfaces once no process is left inside. */
export async function deleteNamespace(run: RunCommand, name: string): Promise<void> {
  const argv = ['ip', 'netns', 'delete', checkNamespaceName(name)]
  const result = await run(argv)
  if (result.code !== 0 && !/No such file/.test(result.stderr)) throw new CommandError(argv, result)
}

export async function listNamespaces(run: RunCommand): Promise<string[]> {
  const text = await succeed(run, ['ip', 'netns', 'list'])
  return text.split('\n').flatMap((line) => {
    const [name] = line.split(' ')
    return name ? [name] : []
  })
}

/** The processes that live in a namespace. */
export async function namespaceProcesses(run: RunCommand, name: string): Promise<number[]> {
  const text = await succeed(run, ['ip', 'netns', 'pids', checkNamespaceName(name)])
  return text.split('\n').filter(Boolean).map(Number)
}
