// The API server put together: store, cache, kinds, authentication, authorisation, admission, and the function that both doors lead to.

import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { collectProcess, Metrics } from '../base/metrics.ts'
import type { Random } from '../base/random.ts'
import type { AnyObject } from '../apimachinery/metadata.ts'
import type { DeepReadonly, Resource } from '../apimachinery/resource.ts'
import { ALL_RESOURCES, VIEWS } from '../api/all.ts'
import type { Pod } from '../api/core/pod/pod.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import type { PriorityClass } from '../api/scheduling/priority-class.ts'
import type { Secret } from '../api/core/secret.ts'
import type { ServiceAccount } from '../api/core/service-account.ts'
import { type Binding, bindings } from '../api/core/binding.ts'
import type { Client } from '../client/client.ts'
import type { ApiRequest, Handle, Identity } from '../client/door.ts'
import { inProcessClient } from '../client/in-process.ts'
import type { Store } from '../store/store.ts'
import type { AdmissionPlugin } from './admission/admission.ts'
import { defaultTolerationSeconds } from './admission/default-toleration-seconds.ts'
import {
  certificateApproval,
  certificateFacts,
  certificateSigning,
  certificateSubjectRestriction,
} from './admission/certificates.ts'
import { namespaceLifecycle } from './admission/namespace-lifecycle.ts'
import { priority } from './admission/priority.ts'
import { rbacEscalation } from './admission/rbac-escalation.ts'
import { runtimeClassAdmission } from './admission/runtime-class.ts'
import { serviceAccountAdmission } from './admission/service-account.ts'
import { Aggregation } from './aggregation/aggregation.ts'
import { type FrontProxy, type ResolveService, resolveByEndpoints } from './aggregation/backend.ts'
import { aggregatedUpgrade, aggregator } from './aggregation/proxy.ts'
import type { Authenticator } from './authn/authenticator.ts'
import { bootstrapTokenAuthenticator } from './authn/bootstrap-tokens.ts'
import { certificateAuthenticator } from './authn/certificates.ts'
import { serviceAccountAuthenticator, TokenIssuer } from './authn/service-account-tokens.ts'
import { type StaticToken, staticTokenAuthenticator } from './authn/tokens.ts'
import type { Authorizer } from './authz/authorizer.ts'
import { nodeAuthorizer } from './authz/node.ts'
import { mastersAuthorizer, rbacAuthorizer } from './authz/rbac.ts'
import { rbacSource } from './authz/rbac-source.ts'
import { bootstrap } from './bootstrap.ts'
import { Cacher } from './cache/cacher.ts'
import { ConsistencyChecks } from './cache/consistency.ts'
import type { ResourceCache } from './cache/resource-cache.ts'
import { Conversions } from './custom-resources/conversions.ts'
import { startCustomResources } from './custom-resources/custom-resources.ts'
import { refuseUnconverted } from './custom-resources/unconverted.ts'
import { type CallWebhook, webhookCaller } from './custom-resources/webhook-call.ts'
import { discovery } from './discovery/discovery.ts'
import { FlowSchemaConditions } from './flow-schema-conditions.ts'
import { health } from './health/health.ts'
import { counted } from './health/request-metrics.ts'
import type { KubeletCredentials } from './node-proxy/backend.ts'
import { LocalApiServices } from './local-api-services.ts'
import { nodeProxy, nodeProxyUpgrade, takesUpgrade } from './node-proxy/node-proxy.ts'
import { decodeObject } from './registry/body.ts'
import { componentStatuses } from './component-statuses.ts'
import { Registry } from './registry/registry.ts'
import type { Core } from './registry/served.ts'
import { parseJsonBody } from './request-body.ts'
import { valueResponse } from './responses.ts'
import { formOf } from './rest.ts'
import { reviews } from './reviews/reviews.ts'
import { authorizeRequest, createPipeline, type PipelineOptions, type SubresourceHandler } from './server.ts'
import { firstServiceIP } from './service-allocation/ranges.ts'
import { prepareAllocation } from './service-allocation/start.ts'
import { approval } from './subresources/certificates.ts'
import { finalize } from './subresources/namespaces.ts'
import { eviction } from './subresources/eviction.ts'
import { bind, bindPod, ephemeralContainers } from './subresources/pods.ts'
import { scale } from './subresources/scale.ts'
import { token } from './subresources/token.ts'
import { type Upgrades, upgradesOf } from './upgrades.ts'
import { isWatchSocket, watchSockets } from './watch-socket.ts'

export interface ApiServerOptions {
  store: Store
  clock: Clock
  random: Random
  log: Logger
  /** The logical cluster: the first segment of every key. */
  tenant?: string
  /** PEM of the ECDSA key that service account tokens are signed with. */
  serviceAccountKey: string
  /** Issuer and audience of service account tokens. */
  issuer?: string
  /** Tokens known from the start. */
  tokens?: readonly StaticToken[]
  serviceCIDR: string
  nodePorts?: readonly [number, number]
  /** Where pods reach this server; see bootstrap. */
  advertise?: { address: string; port: number }
  clusterCA?: string
  /** Serve what CustomResourceDefinitions define; true unless said. */
  customResources?: boolean
  /** How the server reaches kubelets; without it logs, exec and the like answer that no kubelet can be reached. */
  kubelet?: KubeletCredentials
  /** As whom the server passes requests for aggregated APIs on. */
  frontProxy?: FrontProxy
  /** Where services are reached that serve APIs; by their endpoints unless said. */
  resolveService?: ResolveService
  /** `host:port` that discovery tells clients. */
  serverAddress?: string
  /** Does this process run the controllers or the scheduler, by the name of their Lease? Without it, the Leases say who does. */
  runsLoop?: (name: string) => boolean
}

/** Upgrades: exec, attach, port-forward, proxied connections, watches over WebSockets. */
export interface ApiServer extends AsyncDisposable, Upgrades {
  readonly handle: Handle
  readonly tokens: TokenIssuer
  readonly registry: Registry
  readonly cacher: Cacher
  /** Resolves when all definitions of custom resources written so far are served. */
  settled(): Promise<void>
  /** A client by the in-process door. */
  client(identity: Identity, userAgent: string): Client
}

export const DEFAULT_ISSUER = 'https://kubernetes.default.svc.cluster.local'
const DEFAULT_NODE_PORTS = [30_000, 32_767] as const
const LOOPBACK: Identity = { username: 'system:apiserver', groups: ['system:masters'] }

/** Resolves when the server can answer: caches loaded, what every cluster is born with in place. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { clock, random, log, tenant = 'default' } = options
  // What was started is ended where the start fails halfway.
  await using stack = new AsyncDisposableStack()
  const call: CallWebhook = (webhook) => webhookCaller({ registry, random, clock })(webhook)
  const conversions = stack.use(new Conversions({ call, clock, random, log }))
  const store = conversions.over(options.store)
  const cacher = stack.use(new Cacher({ store, tenant, clock, log }))
  const registry: Registry = new Registry(cacher)
  for (const resource of ALL_RESOURCES) await registry.add(resource)
  for (const view of VIEWS) registry.addView(view)
  const client = (identity: Identity, userAgent: string): Client =>
    inProcessClient({ handle: (request) => handle(request), identity, userAgent })
  const { serviceCIDR, nodePorts = DEFAULT_NODE_PORTS } = options
  const self = client(LOOPBACK, 'kube-apiserver')
  const allocation = stack.use(
    await prepareAllocation({ registry, store, cacher, client: self, clock, random, log, serviceCIDR, nodePorts }),
  )
  await cacher.start()

  const tokens = tokenIssuer(options, registry)
  const rbac = rbacSource(registry)
  const authenticators: Authenticator[] = [
    certificateAuthenticator,
    serviceAccountAuthenticator(tokens),
    bootstrapTokenAuthenticator((path) => find<Secret>(registry, 'secrets', path), clock),
    staticTokenAuthenticator(options.tokens ?? []),
  ]
  const authorizers: Authorizer[] = [mastersAuthorizer, nodeAuthorizerOver(registry), rbacAuthorizer(rbac)]
  const core: Core = {
    store,
    cacher,
    clock,
    random,
    admission: admissionPlugins(options, registry, rbac, authorizers),
    hooks: [allocation.hook],
  }
  const custom =
    options.customResources === false
      ? undefined
      : stack.use(await startCustomResources({ registry, core, clock, log, conversions }))
  const proxyOptions = { registry, log, random, ...(options.kubelet ? { kubelet: options.kubelet } : {}) }
  const aggregation = stack.use(
    new Aggregation({
      registry,
      client: client(LOOPBACK, 'kube-aggregator'),
      clock,
      log,
      resolve: options.resolveService ?? resolveByEndpoints(registry, random),
      frontProxy: options.frontProxy,
    }),
  )
  const ready = { bootstrapped: false }
  const metrics = new Metrics()
  collectProcess(metrics, clock)
  stack.use(new ConsistencyChecks({ cacher, clock, log, metrics }))
  const pipeline: PipelineOptions = {
    core,
    registry,
    clock,
    random,
    log,
    authenticators,
    authorizers,
    answered: {
      ...reviews({ authenticators, authorizers, rbac, tokens }),
      bindings: bindFromCollection(registry),
      componentstatuses: componentStatuses({ registry, clock, runs: options.runsLoop ?? (() => false) }),
    },
    subresources: {
      '*/scale': scale,
      'pods/binding': bind,
      'pods/eviction': eviction(registry),
      'pods/ephemeralcontainers': ephemeralContainers,
      'certificatesigningrequests.certificates.k8s.io/approval': approval,
      'namespaces/finalize': finalize,
      'serviceaccounts/token': token(tokens, registry),
      ...nodeProxy(proxyOptions),
    },
    paths: [
      health({
        checks: { ping: () => undefined },
        readiness: { bootstrap: () => (ready.bootstrapped ? undefined : 'not finished') },
        metrics,
      }),
      discovery({
        registry,
        aggregation,
        tokens,
        ...(options.serverAddress ? { serverAddress: options.serverAddress } : {}),
      }),
    ],
    aggregated: aggregator(aggregation, log),
  }
  const reload = async (group: string, plural: string): Promise<void> => custom?.reload(group, plural)
  const handle = counted(refuseUnconverted(createPipeline(pipeline), conversions, reload), metrics, clock)
  await allocation.start()
  await bootstrap({
    client: self,
    kubernetesIP: firstServiceIP(serviceCIDR),
    ...(options.advertise ? { advertise: options.advertise } : {}),
    ...(options.clusterCA ? { clusterCA: options.clusterCA } : {}),
    ...(options.frontProxy ? { frontProxyCA: options.frontProxy.ca } : {}),
  })
  const services = stack.use(new LocalApiServices({ registry, client: self, log }))
  await services.settled()
  stack.use(new FlowSchemaConditions({ registry, client: self, clock, log }))
  ready.bootstrapped = true
  const started = stack.move()
  const upgradeOptions = { clock, log, authorizeRequest: (request: ApiRequest) => authorizeRequest(pipeline, request) }
  return {
    handle,
    ...upgradesOf([
      aggregatedUpgrade(aggregation, upgradeOptions),
      { takes: takesUpgrade, handle: nodeProxyUpgrade({ ...proxyOptions, ...upgradeOptions }) },
      { takes: isWatchSocket, handle: watchSockets({ handle, clock }) },
    ]),
    async settled() {
      await custom?.settled()
      await services.settled()
      await aggregation.settled()
    },
    tokens,
    registry,
    cacher,
    client,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

/** The cached object of a built-in kind. */
function findIn<T>(registry: Registry, group: string, plural: string, path: string): DeepReadonly<T> | undefined {
  const cache = registry.get(group, 'v1', plural)?.cache
  return cache?.get(cache.prefix + path)?.object as DeepReadonly<T> | undefined
}

/** The same of the core group. */
function find<T>(registry: Registry, plural: string, path: string): DeepReadonly<T> | undefined {
  return findIn(registry, '', plural, path)
}

function* allOf<T>(registry: Registry, group: string, plural: string): Generator<DeepReadonly<T>> {
  for (const { object } of registry.get(group, 'v1', plural)?.cache.values() ?? []) {
    yield object as unknown as DeepReadonly<T>
  }
}

const SUBJECT_PLURALS = { ServiceAccount: 'serviceaccounts', Pod: 'pods', Secret: 'secrets', Node: 'nodes' } as const

function tokenIssuer(options: ApiServerOptions, registry: Registry): TokenIssuer {
  const issuer = options.issuer ?? DEFAULT_ISSUER
  return new TokenIssuer({
    key: options.serviceAccountKey,
    issuer,
    audiences: [issuer],
    clock: options.clock,
    uuid: () => options.random.uuid(),
    subjects: {
      uidOf(kind, namespace, name) {
        const path = kind === 'Node' ? name : `${namespace}/${name}`
        return find<AnyObject>(registry, SUBJECT_PLURALS[kind], path)?.metadata.uid
      },
    },
  })
}

function admissionPlugins(
  { clock, random }: ApiServerOptions,
  registry: Registry,
  rbac: ReturnType<typeof rbacSource>,
  authorizers: readonly Authorizer[],
): AdmissionPlugin[] {
  return [
    namespaceLifecycle((name) => find<AnyObject>(registry, 'namespaces', name)),
    serviceAccountAdmission(
      (namespace, name) => find<ServiceAccount>(registry, 'serviceaccounts', `${namespace}/${name}`),
      random,
    ),
    priority({
      find: (name) => findIn<PriorityClass>(registry, 'scheduling.k8s.io', 'priorityclasses', name),
      all: () => allOf<PriorityClass>(registry, 'scheduling.k8s.io', 'priorityclasses'),
    }),
    defaultTolerationSeconds,
    runtimeClassAdmission((name) => findIn<RuntimeClass>(registry, 'node.k8s.io', 'runtimeclasses', name)),
    rbacEscalation(rbac, authorizers),
    certificateFacts(clock),
    certificateApproval(authorizers),
    certificateSigning(authorizers),
    certificateSubjectRestriction,
  ]
}

function nodeAuthorizerOver(registry: Registry): Authorizer {
  const pods = (): ResourceCache | undefined => registry.get('', 'v1', 'pods')?.cache
  const roles = registry.get('rbac.authorization.k8s.io', 'v1', 'clusterroles')?.cache
  return nodeAuthorizer({
    rules: () => (roles?.get(`${roles.prefix}system:node`)?.object as { rules?: [] } | undefined)?.rules ?? [],
    *podsOn(node) {
      for (const stored of pods()?.values() ?? []) {
        const pod = stored.object as unknown as DeepReadonly<Pod>
        if (pod.spec.nodeName === node) yield pod
      }
    },
  })
}

/** POST to the collection `bindings`: the old form of pods/NAME/binding. */
function bindFromCollection(registry: Registry): SubresourceHandler {
  return async (call) => {
    const erased = bindings as unknown as Resource<AnyObject>
    const binding = decodeObject(erased, parseJsonBody(call.request, bindings), call.context) as unknown as Binding
    const served = registry.get('', 'v1', 'pods')
    if (!served) throw new Error('Bug: pods are not served')
    await bindPod({ ...call, served }, binding, binding.metadata.name)
    return valueResponse(
      { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 },
      201,
      formOf(call),
    )
  }
}
