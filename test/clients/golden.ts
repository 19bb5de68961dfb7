// The sessions that are compared with their golden transcripts. Run as a program it writes the transcripts: scripts/run test/clients/golden.ts [session …]

import { writeFileSync } from 'node:fs'
import { silentLogger } from '../../src/base/log.ts'
import { systemRandom } from '../../src/base/random.ts'
import { allControllers } from '../../src/controllers/all.ts'
import { startControllers } from '../../src/controllers/start.ts'
import { KUBECTL_VERSIONS, type KubectlVersion } from '../../src/testing/kubectl.ts'
import { serveCluster } from './server.ts'
import { goldenPath, type Played, play, SessionClock } from './transcript.ts'

interface Session {
  name: string
  versions: readonly KubectlVersion[]
  /** Those that run beside it; none unless said, so that what is shown is what was written. */
  controllers?: readonly string[]
}

export const SESSIONS: readonly Session[] = [
  { name: 'batch', versions: KUBECTL_VERSIONS },
  { name: 'workloads', versions: KUBECTL_VERSIONS },
  {
    name: 'rollouts',
    versions: KUBECTL_VERSIONS,
    controllers: ['deployment-controller', 'replicaset-controller', 'daemonset-controller', 'statefulset-controller'],
  },
  { name: 'policies', versions: KUBECTL_VERSIONS },
  { name: 'networking', versions: KUBECTL_VERSIONS },
  { name: 'storage', versions: KUBECTL_VERSIONS },
  { name: 'registration', versions: KUBECTL_VERSIONS },
  { name: 'access', versions: KUBECTL_VERSIONS },
  { name: 'apply', versions: KUBECTL_VERSIONS },
  { name: 'helm', versions: ['1.35'], controllers: ['deployment-controller', 'replicaset-controller'] },
]

/** Starts what the session needs beside the server. */
function openSession(name: string, { cluster: { api }, clock }: Played): AsyncDisposable {
  const wanted = SESSIONS.find((session) => session.name === name)?.controllers ?? []
  const stack = new AsyncDisposableStack()
  if (wanted.length === 0) return stack
  const controllers = allControllers({}).filter((controller) => wanted.includes(controller.name))
  if (controllers.length !== wanted.length) throw new Error(`Not all of ${wanted.join(', ')} are controllers`)
  stack.use(
    startControllers({
      client: (identity, userAgent) => api.client(identity, userAgent),
      clock,
      random: systemRandom,
      log: silentLogger,
      configuration: {},
      controllers,
    }),
  )
  return stack
}

/** The transcript of a session with a cluster of its own. */
export async function playAnew(name: string, version: KubectlVersion): Promise<string> {
  const clock = new SessionClock()
  await using cluster = await serveCluster({ clock })
  await using _controllers = openSession(name, { cluster, clock })
  return await play(name, version, { cluster, clock })
}

async function record(only: readonly string[]): Promise<void> {
  for (const { name, versions } of SESSIONS) {
    if (only.length > 0 && !only.includes(name)) continue
    for (const version of versions) {
      writeFileSync(goldenPath(name, version), await playAnew(name, version))
      console.log(goldenPath(name, version))
    }
  }
}

if (import.meta.main) {
  await record(process.argv.slice(2))
  process.exit()
}
