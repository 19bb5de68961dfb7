// The program `drover server`: store, API server, controllers and scheduler in one process.

import { hostname, networkInterfaces } from 'node:os'
import { join, resolve } from 'node:path'
import { systemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { hasCode, UserError } from '../base/node/user-error.ts'
import { systemRandom } from '../base/random.ts'
import { type ApiServer, startApiServer } from '../apiserver/api-server.ts'
import { type HttpsDoor, openHttps } from '../apiserver/https.ts'
import type { Identity } from '../client/door.ts'
import { renewNodes } from '../cluster/node-pki.ts'
import { ensureAuthority, ensureServerPki, reachableNames, type ServerPki } from '../cluster/pki.ts'
import { startRenewal } from '../cluster/renewal.ts'
import { firstServiceIP } from '../cluster/state.ts'
import { keepCompiled, openLog, optimizeLate, parseFlags, parsePort, untilStopped } from './process.ts'
import { openStore, STORE_FLAGS, STORE_HELP, type StoreSettings, storeSettingsOf } from './server-store.ts'
import { openSnapshotDoor } from './snapshot-door.ts'

const HELP = `Usage: drover server --data-dir DIR [flags]
Runs the store, the API server, the controllers and the scheduler in the foreground.

  --data-dir DIR             where certificates and objects are kept
  --port PORT                HTTPS port (default 6443)
  --bind-address IP          address to listen on (default 0.0.0.0)
  --advertise-address IP     address under which pods reach this server (default 127.0.0.1)
  --cluster-cidr CIDR        network of the pods (default 10.244.0.0/16)
  --service-cidr CIDR        network of the services (default 10.96.0.0/16)
${STORE_HELP}  --log-file FILE            write the log there instead of to standard error
  --log-level LEVEL          error, warn, info, debug or trace (default info)
`

const FLAGS = {
  'data-dir': { type: 'string' },
  port: { type: 'string', default: '6443' },
  'bind-address': { type: 'string', default: '0.0.0.0' },
  'advertise-address': { type: 'string', default: '127.0.0.1' },
  'cluster-cidr': { type: 'string', default: '10.244.0.0/16' },
  'service-cidr': { type: 'string', default: '10.96.0.0/16' },
  ...STORE_FLAGS,
  'log-file': { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

interface ServerSettings {
  readonly dataDirectory: string
  readonly port: number
  readonly bindAddress: string
  readonly advertiseAddress: string
  readonly clusterCIDR: string
  readonly serviceCIDR: string
  readonly store: StoreSettings
}

export async function runServer(args: readonly string[]): Promise<void> {
  const flags = parseFlags(args, FLAGS, 'server')
  if (flags.help) {
    process.stdout.write(HELP)
    return
  }
  const settings = await settingsOf(flags)
  const log = openLog({ file: flags['log-file'], level: flags['log-level'] })
  await using server = await startServer(settings, log)
  const milliseconds = Math.round(performance.now())
  keepCompiled()
  optimizeLate()
  log.info('Serving', { port: server.port, milliseconds })
  const signal = await untilStopped()
  log.info('Stopping', { signal })
}

async function settingsOf(
  flags: {
    [flag in keyof typeof FLAGS]?: string | boolean | undefined
  },
): Promise<ServerSettings> {
  const text = (flag: keyof typeof FLAGS): string => String(flags[flag] ?? '')
  if (text('data-dir') === '')
    throw new UserError('drover server needs a data directory', { remedy: 'give one: --data-dir DIR', exitCode: 2 })
  return {
    dataDirectory: resolve(text('data-dir')),
    port: parsePort(text('port'), '--port'),
    bindAddress: text('bind-address'),
    advertiseAddress: text('advertise-address'),
    clusterCIDR: text('cluster-cidr'),
    serviceCIDR: text('service-cidr'),
    store: await storeSettingsOf(text),
  }
}

interface RunningServer extends AsyncDisposable {
  readonly port: number
}

async function startServer(settings: ServerSettings, log: Logger): Promise<RunningServer> {
  const stack = new AsyncDisposableStack()
  try {
    const issue = (): ServerPki => issueCertificates(settings)
    const pki = issue()
    const kubelet = { ca: pki.caCertificate, ...pki.kubeletClient }
    const frontProxy = { ...pki.frontProxy }
    const store = stack.use(await openStore(settings.store, settings.dataDirectory, log))
    const running = new Set<string>()
    const api = stack.use(
      await startApiServer({
        store,
        clock: systemClock,
        random: systemRandom,
        log: log.child({ component: 'apiserver' }),
        serviceAccountKey: pki.serviceAccountKey,
        serviceCIDR: settings.serviceCIDR,
        clusterCA: pki.caCertificate,
        kubelet,
        frontProxy,
        runsLoop: (name) => running.has(name),
        ...(settings.advertiseAddress === '127.0.0.1'
          ? {}
          : { advertise: { address: settings.advertiseAddress, port: settings.port } }),
      }),
    )
    stack.use(await openSnapshotDoor(settings.dataDirectory, store, log.child({ component: 'snapshots' })))
    const door = stack.use(await openDoor(api, settings, { pki, log }))
    stack.use(await startLoops(api, { settings, pki, log, running }))
    stack.use(
      keepCertificates(settings, { issue, log, used: pki }, (renewed) => {
        const { serving, kubeletClient } = renewed
        door.rotate(serving.certificate, serving.key)
        // Read anew for every connection to a node.
        Object.assign(kubelet, kubeletClient)
        Object.assign(frontProxy, renewed.frontProxy)
      }),
    )
    const started = stack.move()
    return { port: door.port, [Symbol.asyncDispose]: () => started.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

function namesOf(settings: ServerSettings): string[] {
  const own = [firstServiceIP(settings), settings.advertiseAddress].filter((name) => name !== '127.0.0.1')
  return [...own, ...reachableNames(networkInterfaces(), hostname())]
}

const sources = { clock: systemClock, random: systemRandom }

const issueCertificates = (settings: ServerSettings): ServerPki =>
  ensureServerPki(join(settings.dataDirectory, 'pki'), namesOf(settings), sources)

interface Kept {
  readonly used: ServerPki
  readonly log: Logger
  issue(): ServerPki
}

/** Its own certificates, and those of the nodes on this machine, which read them from their files. */
function keepCertificates(
  { dataDirectory }: ServerSettings,
  { used, log, issue }: Kept,
  use: (renewed: ServerPki) => void,
): Disposable {
  let current = used
  return startRenewal({
    clock: systemClock,
    log,
    what: 'server',
    isDue() {
      renewNodes(dataDirectory, sources)
      const { serving, kubeletClient, frontProxy } = issue()
      return (
        frontProxy.certificate !== current.frontProxy.certificate ||
        serving.certificate !== current.serving.certificate ||
        kubeletClient.certificate !== current.kubeletClient.certificate
      )
    },
    renew() {
      current = issue()
      use(current)
    },
  })
}

interface Surroundings {
  readonly settings: ServerSettings
  readonly pki: ServerPki
  readonly log: Logger
  /** Loops that run here without a Lease. */
  readonly running: Set<string>
}

/** Controllers and scheduler. They are loaded after the door is open: the first requests need not wait for them. */
async function startLoops(api: ApiServer, surroundings: Surroundings): Promise<AsyncDisposable> {
  const stack = new AsyncDisposableStack()
  for (const loop of [schedulerLoop, controllersLoop])
    stack.use(await startLoop(api, surroundings, await loop(api, surroundings)))
  stack.use(await startJoining(api, surroundings.settings, surroundings))
  return stack
}

interface Loop {
  /** Of its Lease, as the component of Kubernetes that does this work holds it. */
  readonly name: string
  /** Who asks for the Lease. */
  readonly identity: Identity
  start(): AsyncDisposable
}

/** At once where the store is this server's own; when it has become the leader where several share one. */
async function startLoop(
  api: ApiServer,
  { settings, log, running }: Surroundings,
  { name, identity, start }: Loop,
): Promise<AsyncDisposable> {
  if (settings.store.engine !== 'etcd') {
    running.add(name)
    return start()
  }
  const { startLeaderElection } = await import('../client/leader-election.ts')
  return startLeaderElection({
    client: api.client(identity, `${name}/leader-election`),
    name,
    identity: `${hostname()}_${systemRandom.uuid()}`,
    ...sources,
    log: log.child({ component: 'leader-election' }),
    lead: async () => start(),
  })
}

async function schedulerLoop(api: ApiServer, { log }: Surroundings): Promise<Loop> {
  const { startScheduler } = await import('../scheduler/scheduler.ts')
  const { createEventRecorder } = await import('../client/events.ts')
  const identity = { username: 'system:kube-scheduler', groups: ['system:authenticated'] }
  return {
    name: 'kube-scheduler',
    identity,
    start() {
      const stack = new AsyncDisposableStack()
      const scheduler = { ...sources, log: log.child({ component: 'scheduler' }) }
      const client = api.client(identity, 'kube-scheduler')
      const events = stack.use(createEventRecorder({ ...scheduler, client, component: 'default-scheduler' }))
      stack.use(startScheduler({ ...scheduler, client, events }))
      return stack
    },
  }
}

async function controllersLoop(api: ApiServer, { settings, pki, log }: Surroundings): Promise<Loop> {
  const { startControllers } = await import('../controllers/start.ts')
  return {
    name: 'kube-controller-manager',
    identity: { username: 'system:kube-controller-manager', groups: ['system:authenticated'] },
    start: () =>
      startControllers({
        ...sources,
        client: (identity, userAgent) => api.client(identity, userAgent),
        log: log.child({ component: 'controllers' }),
        configuration: { clusterCIDR: settings.clusterCIDR, clusterCA: pki.caCertificate },
      }),
  }
}

/** Machines join with tokens, and nodes renew their certificates. */
async function startJoining(
  api: ApiServer,
  settings: ServerSettings,
  { pki, log }: { pki: ServerPki; log: Logger },
): Promise<AsyncDisposable> {
  const { ensureJoining } = await import('../cluster/joining.ts')
  const { startNodeSigner } = await import('../cluster/node-signer.ts')
  const client = api.client(ADMINISTRATOR, 'drover-node-signer')
  const { advertiseAddress, port, clusterCIDR } = settings
  const server = `https://${advertiseAddress}:${port}`
  await ensureJoining({ client, server, caCertificate: pki.caCertificate, clusterCIDR })
  return startNodeSigner({
    client,
    authority: ensureAuthority(join(settings.dataDirectory, 'pki'), sources),
    serverAddresses: namesOf(settings),
    ...sources,
    log: log.child({ component: 'node-signer' }),
  })
}

const ADMINISTRATOR = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] }

async function openDoor(
  api: ApiServer,
  { bindAddress, port }: ServerSettings,
  { pki, log }: { pki: ServerPki; log: Logger },
): Promise<HttpsDoor> {
  try {
    return await openHttps({
      handle: api.handle,
      upgrade: api.upgrade,
      takesUpgrade: (message) => api.takesUpgrade(message),
      host: bindAddress,
      port,
      certificate: pki.serving.certificate,
      key: pki.serving.key,
      clientCA: pki.caCertificate,
      clock: systemClock,
      log: log.child({ component: 'https' }),
    })
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE') || (error instanceof Error && hasCode(error.cause, 'EADDRINUSE')))
      throw new UserError(`Port ${port} is taken by another process`, { remedy: 'choose another: --port PORT' })
    throw error
  }
}
