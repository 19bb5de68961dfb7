// The program `drover agent`: one node with its containerd, its pods, their network and the services they reach.

import { X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { type Credentials, hasTimeLeft } from '../base/node/certificates.ts'
import { makeParent, readJSONIfExists, writeFileAtomic } from '../base/node/files.ts'
import { readProcess } from '../base/node/processes.ts'
import { UserError } from '../base/node/user-error.ts'
import { systemRandom } from '../base/random.ts'
import { endpointSlices } from '../api/discovery/endpoint-slice.ts'
import { type Node, nodes as nodeResource } from '../api/core/node/node.ts'
import { pods as podResource } from '../api/core/pod/pod.ts'
import { services } from '../api/core/service/service.ts'
import { type HttpClient, httpClient } from '../client/http.ts'
import { type Informer, startInformer } from '../client/informer.ts'
import { withSettingsKept } from '../cluster/host-settings.ts'
import { ensurePause } from '../cluster/images.ts'
import { addressTowards, clusterCIDROf, joinCluster, readClusterFacts, renewNodePki } from '../cluster/join.ts'
import { type NodePki, readNodePki } from '../cluster/pki.ts'
import { cniDirectory, requireMachine } from '../cluster/preflight.ts'
import { startRenewal } from '../cluster/renewal.ts'
import { KUBERNETES_VERSION } from '../cluster/version.ts'
import { runCommand } from '../netlink/command.ts'
import { checkNetwork } from '../netlink/preflight.ts'
import { startAgent } from '../node/agent.ts'
import { Cgroups } from '../node/cgroup/cgroups.ts'
import { type Hierarchy, parseHierarchy } from '../node/cgroup/hierarchy.ts'
import { socketOf } from '../node/containerd/config.ts'
import { type ContainerdOptions, findContainerd, startContainerd } from '../node/containerd/containerd.ts'
import { CriClient } from '../node/cri/cri-client.ts'
import { startPodNetwork } from '../pod-network/pod-network.ts'
import { startServiceProxy } from '../proxy/service-proxy.ts'
import { type AgentSettings, FLAGS, HELP, settingsOf } from './agent-settings.ts'
import { keepCompiled, openLog, parseFlags, untilStopped } from './process.ts'

/** containerd is looked at this often; when it died it is started again. */
const CONTAINERD_LOOK_MS = 500

export async function runAgent(args: readonly string[]): Promise<void> {
  const flags = parseFlags(args, FLAGS, 'agent')
  if (flags.help) {
    process.stdout.write(HELP)
    return
  }
  const log = openLog({ file: flags['log-file'], level: flags['log-level'] })
  const settings = settingsOf(flags, process.env)
  const stop = new AbortController()
  const stopped = untilStopped()
  stopped.then(
    () => stop.abort(new Error('The agent is stopping')),
    () => {},
  )
  await using stack = new AsyncDisposableStack()
  await startNode(settings, { log, stack, signal: stop.signal })
  const milliseconds = Math.round(performance.now())
  keepCompiled()
  log.info('Running', { node: settings.node, milliseconds })
  log.info('Stopping', { signal: await stopped })
}

interface Running {
  readonly log: Logger
  /** What is started is ended in reverse. */
  readonly stack: AsyncDisposableStack
  readonly signal: AbortSignal
}

/** What is known of the node once it belongs to the cluster. */
type NodeSettings = AgentSettings & { readonly address: string; readonly clusterCIDR: string }

async function startNode(given: AgentSettings, running: Running): Promise<void> {
  const { log, stack, signal } = running
  const { settings, pki, joined } = await admitted(given, running)
  const { node, data } = settings
  const containerd = containerdOptions(settings)
  await serveImages(settings.images, containerd.registryConfigDir, { ...running, ownPause: joined })
  const [{ socket }, network] = await Promise.all([
    startContainerd(containerd, { clock: systemClock, log, signal }),
    checkNetwork(runCommand),
  ])
  const [problem] = network.problems
  if (problem) throw new UserError(`The node cannot have a network: ${problem.what}`, { remedy: problem.remedy })
  for (const { what, remedy } of network.warnings) log.warn('Found a limit of this machine', { what, remedy })
  keepContainerd(containerd, running)

  const { certificate, key } = pki.client
  const { caCertificate: ca } = pki
  const client = stack.use(httpClient({ server: settings.server, ca, certificate, key, userAgent: 'kubelet' }))
  const runtime = stack.use(new CriClient({ socket, clock: systemClock, log }))
  const hierarchy: Hierarchy = parseHierarchy(readFileSync('/proc/self/mountinfo', 'utf8'))
  let serveWith: (renewed: Credentials) => void = () => {}
  stack.use(
    await startAgent({
      client,
      runtime,
      cgroups: new Cgroups({ hierarchy, root: settings.cgroupRoot, clock: systemClock }),
      nodeName: node,
      nodeIPs: [settings.address],
      clock: systemClock,
      random: systemRandom,
      log: log.child({ component: 'kubelet' }),
      dataDir: data,
      dns: { servers: [], domain: 'cluster.local' },
      version: KUBERNETES_VERSION,
      pid: process.pid,
      evictionThresholds: settings.evictionThresholds,
      imageGarbage: settings.imageGarbage,
      server: {
        host: settings.address,
        port: 10250,
        certificate: pki.serving.certificate,
        key: pki.serving.key,
        clientCA: pki.caCertificate,
        onRenewal: (serve) => {
          serveWith = serve
        },
        authorize: ({ commonName }) => commonName === 'kube-apiserver-kubelet-client',
      },
    }),
  )
  const use = (renewed: NodePki): void => {
    client.rotate(renewed.client)
    serveWith(renewed.serving)
  }
  stack.use(keepCertificates({ settings, pki, joined, use }, running))
  startNetwork(settings, { ...running, client, bridgeNetfilter: network.bridgeNetfilter })
}

/** Certificates and what the cluster says of itself: from the node's directory, the first time by joining. */
async function admitted(
  given: AgentSettings,
  { signal }: Running,
): Promise<{ settings: NodeSettings; pki: NodePki; joined: boolean }> {
  const { data, node, server, admission } = given
  const address = given.address ?? (await addressTowards(server))
  const directory = join(data, 'pki')
  let pki = readNodePki(directory)
  if (given.pidFile !== undefined) await claimMachine(given, signal)
  if (pki === undefined) {
    if (admission === undefined)
      throw new UserError(`The node has no certificates in "${directory}" yet`, {
        remedy: 'join with what this prints where the cluster runs: drover token create',
      })
    const waiting = { clock: systemClock, random: systemRandom, signal }
    pki = await joinCluster({ server, ...admission, node: { name: node, addresses: [address] }, directory, ...waiting })
    writeFileAtomic(join(data, JOINED_FILE), `${JSON.stringify(await readClusterFacts(server, pki))}\n`)
  }
  const facts = readJSONIfExists(join(data, JOINED_FILE))
  const clusterCIDR = given.clusterCIDR ?? clusterCIDROf(facts) ?? DEFAULT_CLUSTER_CIDR
  return { settings: { ...given, address, clusterCIDR }, pki, joined: facts !== undefined }
}

/** There when this node's cluster is elsewhere: what it said of itself. */
const JOINED_FILE = 'joined.json'
const DEFAULT_CLUSTER_CIDR = '10.244.0.0/16'

/** A machine of its own: it can run nodes, others learn that it does, and its settings are put back when it is left. */
async function claimMachine({ pidFile = '' }: AgentSettings, signal: AbortSignal): Promise<void> {
  requireMachine({ path: process.env['PATH'] ?? '', uid: process.getuid?.() ?? 0 })
  makeParent(pidFile)
  const self = readProcess(process.pid)
  writeFileAtomic(pidFile, JSON.stringify({ pid: process.pid, startTime: self?.startTime ?? '' }))
  await withSettingsKept({ clock: systemClock, signal, roots: { data: '', run: '' } }, async () => {})
}

interface Kept {
  readonly settings: NodeSettings
  readonly pki: NodePki
  readonly joined: boolean
  use(renewed: NodePki): void
}

/** Those of a cluster on this machine are issued by its server, into the same files; others are asked for. */
function keepCertificates({ settings, joined, use, ...kept }: Kept, { log, signal }: Running): Disposable {
  let { pki } = kept
  const directory = join(settings.data, 'pki')
  const node = { name: settings.node, addresses: [settings.address] }
  const waiting = { clock: systemClock, random: systemRandom, signal }
  return startRenewal({
    clock: systemClock,
    log,
    what: 'node',
    isDue: () =>
      [pki.client, pki.serving].some(({ certificate }) => !hasTimeLeft(new X509Certificate(certificate), systemClock)),
    async renew() {
      pki = joined
        ? await renewNodePki({ server: settings.server, pki, directory }, node, waiting)
        : (readNodePki(directory) ?? pki)
      use(pki)
    },
  })
}

function containerdOptions({ data, run }: AgentSettings): ContainerdOptions {
  const cniBinDir = cniDirectory()
  if (cniBinDir === undefined)
    throw new UserError('The CNI plugins are missing', { remedy: 'apt-get install containernetworking-plugins' })
  const environment: Record<string, string> = { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' }
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']) {
    const value = process.env[name]
    if (value) environment[name] = value
  }
  return {
    paths: { root: join(data, 'containerd'), state: join(run, 'c') },
    cniBinDir,
    cniConfDir: join(data, 'cni'),
    registryConfigDir: join(data, 'registry'),
    environment,
  }
}

/** The cluster's image store as a registry on this node's loopback, and containerd pointed at it. */
async function serveImages(
  directory: string,
  configDirectory: string,
  { log, stack, ownPause }: Running & { ownPause: boolean },
): Promise<void> {
  const { openImageStore } = await import('../oci/store.ts')
  const { startRegistry } = await import('../oci/registry.ts')
  const { containerdHostsToml, DEFAULT_HOSTS_FILE } = await import('../oci/containerd-hosts.ts')
  const store = await openImageStore({ directory, clock: systemClock, random: systemRandom })
  // In a cluster's own image store its command line has put it.
  if (ownPause) await ensurePause(store)
  const host = '127.0.0.1'
  const registry = stack.use(await startRegistry({ store, host, port: 0, log: log.child({ component: 'registry' }) }))
  const file = join(configDirectory, DEFAULT_HOSTS_FILE)
  mkdirSync(join(file, '..'), { recursive: true, mode: 0o755 })
  writeFileAtomic(file, containerdHostsToml({ host, port: registry.port }), { mode: 0o644 })
}

/** Starts containerd again when it died; its containers live on meanwhile. */
function keepContainerd(options: ContainerdOptions, { log, signal }: Running): void {
  const look = async (): Promise<void> => {
    if (signal.aborted) return
    try {
      if (!findContainerd(options.paths)) {
        log.warn('Found containerd dead', { socket: socketOf(options.paths) })
        await startContainerd(options, { clock: systemClock, log, signal })
      }
    } catch (error) {
      if (!signal.aborted) log.error('Could not start containerd', { error })
    }
    later()
  }
  const later = (): void => {
    systemClock.after(CONTAINERD_LOOK_MS, () => void look())
  }
  later()
}

interface Networking extends Running {
  readonly client: HttpClient
  readonly bridgeNetfilter: boolean
}

function startNetwork(settings: NodeSettings, { client, bridgeNetfilter, ...running }: Networking): void {
  const { stack } = running
  const { cluster, node, data, clusterCIDR, address } = settings
  const network = { clock: systemClock, log: running.log.child({ component: 'network' }) }
  const proxy = { clock: systemClock, log: running.log.child({ component: 'proxy' }) }
  const nodes = stack.use(startInformer({ ...network, client, resource: nodeResource }))
  const place = { cluster, node, clusterCIDR, ipamDir: join(data, 'ipam'), cniConfDir: join(data, 'cni') }
  stack.use(startPodNetwork({ ...network, ...place, nodes, bridgeNetfilter, run: runCommand }))

  const fieldSelector = `spec.nodeName=${node}`
  const serviceProxy = stack.use(
    startServiceProxy({
      ...proxy,
      services: stack.use(startInformer({ ...proxy, client, resource: services })),
      endpointSlices: stack.use(startInformer({ ...proxy, client, resource: endpointSlices })),
      pods: stack.use(startInformer({ ...proxy, client, resource: podResource, fieldSelector })),
      node: () => {
        const podCIDR = podCIDROf(nodes, node)
        return {
          cluster,
          name: node,
          addresses: [address],
          clusterCIDR,
          ...(podCIDR === undefined ? {} : { podCIDR }),
          bridgeNetfilter,
        }
      },
      run: runCommand,
    }),
  )
  let known: string | undefined
  nodes.onChange(() => {
    const podCIDR = podCIDROf(nodes, node)
    if (podCIDR === known) return
    known = podCIDR
    serviceProxy.nodeChanged()
  })
}

function podCIDROf(nodes: Informer<Node>, name: string): string | undefined {
  return nodes.get({ name })?.spec?.podCIDR
}
