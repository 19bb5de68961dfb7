// `drover version`

import { KUBERNETES_VERSION, VERSION } from '../../cluster/version.ts'
import { type Command, OUTPUT_OPTION } from '../command.ts'
import { wantsJSON } from '../inputs.ts'

export const version: Command = {
  use: 'version',
  short: 'Print the version',
  options: [OUTPUT_OPTION],
  async run(session, given) {
    const document = { schemaVersion: 1, drover: VERSION, kubernetes: KUBERNETES_VERSION, node: session.nodeVersion }
    if (wantsJSON(given)) return session.out(`${JSON.stringify(document, undefined, 2)}\n`)
    session.out(`drover ${VERSION} (Kubernetes API ${KUBERNETES_VERSION}, Node.js ${session.nodeVersion})\n`)
  },
}
