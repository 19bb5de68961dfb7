// Every command, in the order in which the help shows them.

import type { Command } from '../command.ts'
import { down, reset, stop } from './down.ts'
import { exportKubeconfig, kubeconfig } from './kubeconfig.ts'
import { start } from './start.ts'
import { getClusters, getNodes, ls, status } from './status.ts'
import { up } from './up.ts'
import { version } from './version.ts'

export const COMMANDS: readonly Command[] = [
  up,
  down,
  stop,
  start,
  ls,
  status,
  kubeconfig,
  exportKubeconfig,
  getClusters,
  getNodes,
  reset,
  version,
]
