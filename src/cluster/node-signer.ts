// Signs the certificates that nodes ask for, as upstream's approving and signing controllers do: a machine that joins with a bootstrap token, and every node that renews its own.

import type { Clock } from '../base/clock.ts'
import { rfc3339 } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { certifyKey, type Credentials } from '../base/node/certificates.ts'
import type { Random } from '../base/random.ts'
import { isConflict, isNotFound } from '../apimachinery/errors.ts'
import type { DeepReadonly } from '../apimachinery/resource.ts'
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
} from '../api/certificates/certificate-signing-request.ts'
import { type CertificateRequest, parseRequest } from '../api/certificates/request.ts'
import { type Node, nodes } from '../api/core/node/node.ts'
import type { Client } from '../client/client.ts'
import { type Informer, startInformer } from '../client/informer.ts'

export const CLIENT_SIGNER = 'kubernetes.io/kube-apiserver-client-kubelet'
export const SERVING_SIGNER = 'kubernetes.io/kubelet-serving'
const NODE_USER = 'system:node:'
const CLIENT_USAGES = ['client auth', 'digital signature', 'key encipherment']
const SERVING_USAGES = ['server auth', 'digital signature', 'key encipherment']

export interface SignerOptions {
  readonly client: Client
  readonly authority: Credentials
  /** Addresses that no node may have a certificate for: those of the API server. */
  readonly serverAddresses: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
}

export type SignerVerdict =
  | { readonly do: 'nothing' }
  | { readonly do: 'deny'; readonly why: string }
  | { readonly do: 'sign'; readonly request: CertificateRequest; readonly names: readonly string[] }

/** What the verdict depends on besides the request. */
export interface SignerView {
  readonly serverAddresses: readonly string[]
  readonly nodes: readonly DeepReadonly<Node>[]
}

/** Requests to other signers, and those that somebody decided on, are left to others. Pure. */
export function decide(csr: DeepReadonly<CertificateSigningRequest>, view: SignerView): SignerVerdict {
  const { spec, status } = csr
  if (spec.signerName !== CLIENT_SIGNER && spec.signerName !== SERVING_SIGNER) return { do: 'nothing' }
  if ((status?.certificate ?? '') !== '' || (status?.conditions ?? []).length > 0) return { do: 'nothing' }
  let request: CertificateRequest
  try {
    request = parseRequest(spec.request)
  } catch {
    return { do: 'deny', why: 'the request cannot be read' }
  }
  const client = spec.signerName === CLIENT_SIGNER
  const why = shapeProblem(spec, request, client) ?? requesterProblem(spec, request, view, client)
  if (why !== undefined) return { do: 'deny', why }
  return { do: 'sign', request, names: [...request.dnsNames, ...request.ipAddresses.map(addressText)] }
}

type Spec = DeepReadonly<CertificateSigningRequest>['spec']

/** What upstream's signers of these names ask of every request. */
function shapeProblem({ usages = [] }: Spec, request: CertificateRequest, client: boolean): string | undefined {
  const { commonName, organizations, dnsNames, ipAddresses, emailAddresses, uris } = request
  if (!commonName.startsWith(NODE_USER) || commonName === NODE_USER)
    return 'subject common name does not begin with system:node:'
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes')
    return 'subject organization is not system:nodes'
  if (emailAddresses.length > 0 || uris.length > 0) return 'email and URI subjectAltNames are not allowed'
  const [allowed, wanted] = client ? [CLIENT_USAGES, 'client auth'] : [SERVING_USAGES, 'server auth']
  if (!usages.includes(wanted as 'client auth') || usages.some((usage) => !allowed.includes(usage)))
    return `usages did not match ${allowed.join(',')}`
  if (client && dnsNames.length + ipAddresses.length > 0) return 'DNS and IP subjectAltNames are not allowed'
  if (!client && dnsNames.length + ipAddresses.length === 0) return 'DNS or IP subjectAltName is required'
  return undefined
}

function requesterProblem(
  { username = '', groups = [] }: Spec,
  { commonName, dnsNames, ipAddresses }: CertificateRequest,
  { nodes: known, serverAddresses }: SignerView,
  client: boolean,
): string | undefined {
  const name = commonName.slice(NODE_USER.length)
  const self = username === commonName && groups.includes('system:nodes')
  if (client) {
    if (self) return undefined
    if (!groups.includes('system:bootstrappers')) return 'only nodes and bootstrap tokens may ask for it'
    // A token admits new machines; it must not be a way to become one that is there.
    return known.some((node) => node.metadata.name === name)
      ? `node "${name}" is there already; delete it first, or join under another name`
      : undefined
  }
  if (!self) return 'only the node itself may ask for it'
  const others = known.filter((node) => node.metadata.name !== name)
  const taken = new Set([
    ...serverAddresses,
    ...others.flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address)),
  ])
  const foreign = [
    ...dnsNames.filter((dns) => dns !== name),
    ...ipAddresses.map(addressText).filter((ip) => taken.has(ip)),
  ]
  return foreign.length > 0 ? `the names are not the node's: ${foreign.join(', ')}` : undefined
}

export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  // The URL parser writes every address in one form.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

export function startNodeSigner(options: SignerOptions): AsyncDisposable {
  const { client, clock, log, serverAddresses } = options
  const stack = new AsyncDisposableStack()
  const known: Informer<Node> = stack.use(startInformer({ client, resource: nodes, clock, log }))
  const requests = stack.use(startInformer({ client, resource: certificateSigningRequests, clock, log }))
  const look = async (name: string): Promise<void> => {
    const csr = requests.get({ name })
    if (csr === undefined) return
    await known.synced
    const verdict = decide(csr, { nodes: known.list(), serverAddresses })
    if (verdict.do === 'nothing') return
    try {
      await settle(options, csr, verdict)
      log.info('Decided on a request for a certificate', {
        request: name,
        subject: csr.spec.username,
        ...logged(verdict),
      })
    } catch (error) {
      // Somebody else was faster: its new state comes by the watch.
      if (!isConflict(error) && !isNotFound(error)) log.error('Could not settle a request for a certificate', { error })
    }
  }
  requests.onChange(({ type, object }) => {
    if (type !== 'deleted') void look(object.metadata.name)
  })
  return stack
}

const logged = (verdict: SignerVerdict): object =>
  verdict.do === 'deny' ? { denied: verdict.why } : { signed: verdict.do === 'sign' }

async function settle(
  { client, authority, clock, random }: SignerOptions,
  csr: DeepReadonly<CertificateSigningRequest>,
  verdict: Exclude<SignerVerdict, { do: 'nothing' }>,
): Promise<void> {
  const now = rfc3339(clock.now())
  const times = { lastUpdateTime: now, lastTransitionTime: now }
  const condition =
    verdict.do === 'sign'
      ? {
          type: 'Approved',
          status: 'True',
          reason: 'AutoApproved',
          message: 'Auto approving kubelet certificate after checking its request.',
          ...times,
        }
      : { type: 'Denied', status: 'True', reason: 'Refused', message: verdict.why, ...times }
  const approved = await client.update(
    certificateSigningRequests,
    { ...csr, status: { ...csr.status, conditions: [condition] } },
    { subresource: 'approval' },
  )
  if (verdict.do === 'deny') return
  const { request, names } = verdict
  const certificate = certifyKey(
    authority,
    {
      commonName: request.commonName,
      organizations: request.organizations,
      usages: [csr.spec.signerName === CLIENT_SIGNER ? 'client' : 'server'],
      names,
      publicKey: request.publicKey,
    },
    { clock, random },
  )
  await client.update(
    certificateSigningRequests,
    { ...approved, status: { ...approved.status, certificate: Buffer.from(certificate).toString('base64') } },
    { subresource: 'status' },
  )
}
