// Every command, in the order in which the help shows them.

import type { Command } from '../command.ts'
import { completionFor } from './completion.ts'
import { doctor } from './doctor.ts'
import { down, reset, stop } from './down.ts'
import { imageBuild, imageList, imageLoad, imageRemove } from './image.ts'
import { exportKubeconfig, kubeconfig } from './kubeconfig.ts'
import { kubectl } from './kubectl.ts'
import { exportLogs, logs } from './logs.ts'
import { nodeAdd, nodeDelete, nodeStart, nodeStop } from './node.ts'
import { snapshotRestore, snapshotSave } from './snapshot.ts'
import { start } from './start.ts'
import { getClusters, getNodes, ls, status } from './status.ts'
import { tokenCreate, tokenDelete, tokenList } from './token.ts'
import { up } from './up.ts'
import { version } from './version.ts'

export const COMMANDS: readonly Command[] = [
  up,
  down,
  stop,
  start,
  ls,
  status,
  kubectl,
  logs,
  imageBuild,
  imageLoad,
  imageList,
  imageRemove,
  nodeAdd,
  nodeDelete,
  nodeStop,
  nodeStart,
  tokenCreate,
  tokenList,
  tokenDelete,
  snapshotSave,
  snapshotRestore,
  kubeconfig,
  exportKubeconfig,
  exportLogs,
  getClusters,
  getNodes,
  doctor,
  reset,
  completionFor(() => COMMANDS),
  version,
]
