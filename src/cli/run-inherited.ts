// Runs another program in place of this one: with its terminal, its standard input and output, and its exit code.

import { spawn } from 'node:child_process'
import { hasCode, UserError } from '../base/node/user-error.ts'
import type { Session } from './session.ts'

/** As a shell tells that a signal ended a program. */
const SIGNALLED = 128

export function runInherited(
  session: Session,
  argv: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<number> {
  const [program = '', ...args] = argv
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env: { ...session.variables, ...variables } })
    child.once('error', (error) => {
      if (hasCode(error, 'ENOENT'))
        reject(new UserError(`There is no program "${program}"`, { remedy: 'install it, or put it on PATH' }))
      else reject(error)
    })
    child.once('exit', (code) => resolve(code ?? SIGNALLED))
    session.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
  })
}
