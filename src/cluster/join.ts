// A machine becomes a node of a cluster elsewhere: it meets the authority by its hash or its file, asks for its certificates with a bootstrap token, and renews them as itself.

import { X509Certificate } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { request } from 'node:https'
import { connect } from 'node:net'
import { type Clock, sleep } from '../base/clock.ts'
import { authorityHash, type Credentials, type LeafRequest, requestCertificate } from '../base/node/certificates.ts'
import { UserError } from '../base/node/user-error.ts'
import type { Random } from '../base/random.ts'
import { errorText } from '../base/log.ts'
import { isAlreadyExists, isUnauthorized } from '../apimachinery/errors.ts'
import {
  type CertificateSigningRequest,
  certificateSigningRequests,
} from '../api/certificates/certificate-signing-request.ts'
import { configMaps } from '../api/core/config-map.ts'
import type { Client } from '../client/client.ts'
import { httpClient } from '../client/http.ts'
import { CLIENT_SIGNER, SERVING_SIGNER } from './node-signer.ts'
import { type NodePki, writeNodePki } from './pki.ts'

export interface NodeIdentity {
  readonly name: string
  readonly addresses: readonly string[]
}

export interface JoinOptions {
  readonly server: string
  readonly token: string
  /** PEM of the cluster's authority … */
  readonly caCertificate?: string | undefined
  /** … or `sha256:` and the hash of its public key. */
  readonly caHash?: string | undefined
  readonly node: NodeIdentity
  /** Where the certificates go. */
  readonly directory: string
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

const POLL_MS = 200
const SIGN_TIMEOUT_MS = 60_000
const MAX_INFO_BYTES = 1024 * 1024
const INFO_TIMEOUT_MS = 10_000
const INFO_PATH = '/api/v1/namespaces/kube-public/configmaps/cluster-info'

/** Asks for both of a node's certificates and keeps them in files. */
export async function joinCluster(options: JoinOptions): Promise<NodePki> {
  const { server, token, node, directory } = options
  const ca = options.caCertificate ?? (await trustedAuthority(options))
  const client = await signed(options, { ca, token: () => token }, (with_) =>
    obtain(with_, { signerName: CLIENT_SIGNER, request: clientRequest(node) }, options),
  )
  const serving = await requestServing({ server, ca, client }, node, options)
  const pki = { caCertificate: ca, client, serving }
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  writeNodePki(directory, pki)
  return pki
}

type Waiting = Pick<JoinOptions, 'clock' | 'random' | 'signal'>

/** What a cluster says of itself to its nodes. */
export async function readClusterFacts(server: string, { caCertificate, client }: NodePki): Promise<ClusterFacts> {
  using asNode = httpClient({ server, ca: caCertificate, ...client, userAgent: 'kubelet' })
  const { data } = await asNode.get(configMaps, { namespace: 'kube-public', name: 'cluster-info' })
  return { ...(data?.['clusterCIDR'] ? { clusterCIDR: data['clusterCIDR'] } : {}) }
}

export interface ClusterFacts {
  readonly clusterCIDR?: string
}

export function clusterCIDROf(facts: unknown): string | undefined {
  const known = typeof facts === 'object' && facts !== null && 'clusterCIDR' in facts ? facts.clusterCIDR : undefined
  return typeof known === 'string' ? known : undefined
}

/** The address that this machine has on the way to the server. */
export async function addressTowards(server: string): Promise<string> {
  const { hostname: host, port } = new URL(server)
  const address = await new Promise<string>((resolve, reject) => {
    const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port: Number(port || 443), timeout: INFO_TIMEOUT_MS })
    const fail = (error: unknown): void => {
      socket.destroy()
      reject(unreachable(server, error))
    }
    socket.once('connect', () => {
      resolve(socket.localAddress ?? '')
      socket.destroy()
    })
    socket.once('timeout', () => fail(new Error('it does not answer')))
    socket.once('error', fail)
  })
  if (address !== '' && !address.startsWith('127.') && address !== '::1') return address
  throw new UserError('The way to the server does not leave this machine, so the node has no address of its own', {
    remedy: 'name the address under which other nodes reach it: --node-ip IP',
    exitCode: 2,
  })
}

/** A node's new certificates, asked for as the node itself and kept in its files. */
export async function renewNodePki(
  { server, pki, directory }: { server: string; pki: NodePki; directory: string },
  node: NodeIdentity,
  waiting: Waiting,
): Promise<NodePki> {
  const ca = pki.caCertificate
  using asNode = httpClient({ server, ca, ...pki.client, userAgent: 'kubelet' })
  const client = await obtain(asNode, { signerName: CLIENT_SIGNER, request: clientRequest(node) }, waiting)
  const serving = await requestServing({ server, ca, client }, node, waiting)
  const renewed = { caCertificate: ca, client, serving }
  writeNodePki(directory, renewed)
  return renewed
}

async function requestServing(
  { server, ca, client }: { server: string; ca: string; client: Credentials },
  node: NodeIdentity,
  waiting: Waiting,
): Promise<Credentials> {
  using asNode = httpClient({ server, ca, ...client, userAgent: 'kubelet' })
  return await obtain(asNode, { signerName: SERVING_SIGNER, request: servingRequest(node) }, waiting)
}

const subjectOf = ({ name }: NodeIdentity) => ({ commonName: `system:node:${name}`, organizations: ['system:nodes'] })

const clientRequest = (node: NodeIdentity): LeafRequest => ({ ...subjectOf(node), usages: ['client'] })

const servingRequest = (node: NodeIdentity): LeafRequest => ({
  ...subjectOf(node),
  usages: ['server'],
  names: [node.name, '127.0.0.1', ...node.addresses],
})

/** Runs `work` with a client that has a token; what the server does not let it do is said in one line. */
async function signed<T>(
  { server }: JoinOptions,
  { ca, token }: { ca: string; token: () => string },
  work: (client: Client) => Promise<T>,
): Promise<T> {
  using client = httpClient({ server, ca, token, userAgent: 'drover-join' })
  try {
    return await work(client)
  } catch (error) {
    if (isUnauthorized(error))
      throw new UserError('The server does not know the token, or its time is over', {
        remedy: 'make another where the cluster runs: drover token create',
        cause: error,
      })
    throw error
  }
}

/** Asks for one certificate and waits until it is signed. */
export async function obtain(
  client: Client,
  { signerName, request: asked }: { signerName: string; request: LeafRequest },
  { clock, random, signal }: Waiting,
): Promise<Credentials> {
  const { request: pem, key } = requestCertificate(asked)
  const usage = asked.usages[0] === 'client' ? 'client auth' : 'server auth'
  const name = `node-csr-${Buffer.from(random.bytes(16)).toString('hex')}`
  const body: CertificateSigningRequest = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec: { request: Buffer.from(pem).toString('base64'), signerName, usages: ['digital signature', usage] },
  }
  try {
    await client.create(certificateSigningRequests, body, { signal })
  } catch (error) {
    // A repeated try of a connection that broke.
    if (!isAlreadyExists(error)) throw error
  }
  const deadline = clock.monotonic() + SIGN_TIMEOUT_MS
  for (;;) {
    const { status } = await client.get(certificateSigningRequests, { name }, { signal })
    if (status?.certificate) return { certificate: Buffer.from(status.certificate, 'base64').toString(), key }
    const denied = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed')
    if (denied)
      throw new UserError(
        `The cluster gives no certificate to "${asked.commonName}": ${denied.message ?? denied.reason ?? ''}`,
        {
          remedy: 'see: kubectl get csr',
        },
      )
    if (clock.monotonic() > deadline)
      throw new UserError(`The cluster does not sign the request "${name}"`, { remedy: 'see: kubectl get csr' })
    await sleep(clock, POLL_MS, signal)
  }
}

/** The authority as the server publishes it, when it is the one that the hash names. */
async function trustedAuthority({ server, caHash }: JoinOptions): Promise<string> {
  if (caHash === undefined) throw new Error('Bug: neither an authority nor its hash')
  const ca = authorityIn(await publishedInfo(server))
  if (authorityHash(ca) !== caHash.toLowerCase())
    throw new UserError(`The server at ${server} has another authority than the one that was named`, {
      remedy: 'compare --ca-hash with what "drover token create" printed; somebody may be in between',
    })
  return ca
}

const unreachable = (server: string, error: unknown): UserError =>
  new UserError(`Cannot reach the API server at ${server}: ${errorText(error)}`, {
    remedy: 'check the address, and that the cluster runs there: drover status',
    cause: error,
  })

/** Read over a connection that nothing vouches for: only what the hash confirms of it is used. */
function publishedInfo(server: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(unreachable(server, error))
    const sent = request(
      new URL(INFO_PATH, server),
      { rejectUnauthorized: false, agent: false, timeout: INFO_TIMEOUT_MS, headers: { accept: 'application/json' } },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part
          if (text.length > MAX_INFO_BYTES) response.destroy(new Error('The answer is too large'))
        })
        response.on('end', () =>
          response.statusCode === 200 ? resolve(text) : fail(`it answers with code ${response.statusCode}`),
        )
        response.on('error', fail)
      },
    )
    sent.on('timeout', () => sent.destroy(new Error('it does not answer')))
    sent.on('error', fail)
    sent.end()
  })
}

/** Exported for its test: the answer comes from a server that is not trusted yet. */
export function authorityIn(configMap: string): string {
  try {
    const kubeconfig = String((JSON.parse(configMap) as { data?: Record<string, string> }).data?.['kubeconfig'])
    const [, encoded = ''] = /certificate-authority-data"?: *"?([A-Za-z0-9+/=]+)/.exec(kubeconfig) ?? []
    return new X509Certificate(Buffer.from(encoded, 'base64')).toString()
  } catch (error) {
    throw new UserError('The server does not publish its authority in kube-public/cluster-info', {
      remedy: 'give the file instead: --ca-file FILE',
      cause: error,
    })
  }
}
