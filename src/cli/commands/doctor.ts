// `drover doctor`: looks whether this machine can run clusters, and says how to mend what is missing.

import { inspectMachine } from '../../cluster/preflight.ts'
import { type Command, OUTPUT_OPTION } from '../command.ts'
import { wantsJSON } from '../inputs.ts'

export const doctor: Command = {
  use: 'doctor',
  short: 'Check whether this machine can run clusters',
  options: [OUTPUT_OPTION],
  async run(session, given) {
    const { checkNetwork } = await import('../../netlink/preflight.ts')
    const { runCommand } = await import('../../netlink/command.ts')
    const findings = inspectMachine({ path: session.environment['PATH'] ?? '', uid: session.uid })
    const network = await checkNetwork(runCommand)
    const all = [
      ...findings.map(({ what, ok, remedy }) => ({
        what,
        level: ok ? 'ok' : 'problem',
        remedy: ok ? undefined : remedy,
      })),
      ...network.problems.map(({ what, remedy }) => ({ what, level: 'problem', remedy })),
      ...network.warnings.map(({ what, remedy }) => ({ what, level: 'warning', remedy })),
    ]
    if (wantsJSON(given)) session.out(`${JSON.stringify({ schemaVersion: 1, findings: all }, undefined, 2)}\n`)
    else
      for (const { what, level, remedy } of all)
        session.out(` ${MARKS[level] ?? ''} ${what}${remedy === undefined ? '' : `\n     ${remedy}`}\n`)
    return all.some(({ level }) => level === 'problem') ? 1 : 0
  },
}

const MARKS: Record<string, string> = { ok: '✓', warning: '!', problem: '✗' }
