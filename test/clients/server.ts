// The API server in this process behind its HTTPS door on a free loopback port, and kubectl to call it with.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/log.ts'
import { createAuthority, createSigningKey, issueCertificate } from '../../src/base/node/certificates.ts'
import { systemRandom } from '../../src/base/random.ts'
import { serviceAccounts } from '../../src/api/core/service-account.ts'
import { type ApiServer, startApiServer } from '../../src/apiserver/api-server.ts'
import { openHttps } from '../../src/apiserver/https.ts'
import type { Client } from '../../src/client/client.ts'
import { openMemoryStore } from '../../src/store/memory/memory.ts'
import { ADMIN } from '../../src/testing/cluster.ts'
import { type KubectlVersion, kubectlPath } from '../../src/testing/kubectl.ts'

export interface Output {
  code: number
  stdout: string
  stderr: string
}

export interface Run {
  stdin?: string
  env?: Record<string, string>
}

export interface ServedCluster extends AsyncDisposable {
  readonly api: ApiServer
  readonly client: Client
  readonly port: number
  readonly url: string
  readonly ca: string
  readonly certificate: string
  readonly key: string
  readonly kubeconfig: string
  /** A directory of the test's own. */
  readonly directory: string
  /** Writes a file there and answers its path. */
  file(name: string, text: string): string
  kubectl(version: KubectlVersion): Promise<(args: readonly string[], run?: Run) => Promise<Output>>
}

/** Nothing a test waits for takes this long: what does will not come. For hooks and suites, so that they fail instead of hanging. */
export const LIMIT = { timeout: 60_000 }

/** `clock` is the one that the server writes times by. */
export async function serveCluster({ clock = systemClock } = {}): Promise<ServedCluster> {
  // Closed where the start fails halfway: an open door would keep the test's process alive for ever.
  await using stack = new AsyncDisposableStack()
  const sources = { clock: systemClock, random: systemRandom }
  const directory = mkdtempSync(join(tmpdir(), 'drover-clients-'))
  stack.defer(() => rmSync(directory, { recursive: true, force: true }))
  const authority = createAuthority('kubernetes-ca', sources)
  const serving = issueCertificate(
    authority,
    { commonName: 'kube-apiserver', usages: ['server'], names: ['127.0.0.1', 'localhost'] },
    sources,
  )
  const admin = issueCertificate(
    authority,
    { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] },
    sources,
  )
  const store = stack.use(openMemoryStore({ clock, log: silentLogger }))
  const api = stack.use(
    await startApiServer({
      store,
      ...sources,
      clock,
      log: silentLogger,
      serviceAccountKey: createSigningKey(),
      serviceCIDR: '10.96.0.0/16',
    }),
  )
  const door = stack.use(
    await openHttps({
      handle: api.handle,
      upgrade: api.upgrade,
      takesUpgrade: (message) => api.takesUpgrade(message),
      host: '127.0.0.1',
      port: 0,
      certificate: serving.certificate,
      key: serving.key,
      clientCA: authority.certificate,
      clock: systemClock,
      log: silentLogger,
    }),
  )
  const url = `https://127.0.0.1:${door.port}`
  const client = api.client(ADMIN, 'test')
  await client.create(serviceAccounts, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
  const file = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text)
    return path
  }
  const kubeconfig = file('kubeconfig', kubeconfigText(url, authority.certificate, admin))
  const started = stack.move()
  return {
    api,
    client,
    port: door.port,
    url,
    ca: authority.certificate,
    certificate: admin.certificate,
    key: admin.key,
    kubeconfig,
    directory,
    file,
    async kubectl(version) {
      const program = await kubectlPath(version)
      return (args, run = {}) => call(program, args, { directory, kubeconfig }, run)
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}

function kubeconfigText(server: string, ca: string, admin: { certificate: string; key: string }): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'drover',
    contexts: [{ name: 'drover', context: { cluster: 'drover', user: 'admin' } }],
    clusters: [{ name: 'drover', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [
      {
        name: 'admin',
        user: {
          'client-certificate-data': base64(admin.certificate),
          'client-key-data': base64(admin.key),
        },
      },
    ],
  })
}

/** A kubectl that takes longer than this hangs. */
const TIMEOUT_MS = 60_000

export function call(
  program: string,
  args: readonly string[],
  { directory, kubeconfig }: Pick<ServedCluster, 'directory' | 'kubeconfig'>,
  { stdin, env }: Run,
): Promise<Output> {
  const child = spawn(program, args, {
    cwd: directory,
    env: { HOME: directory, PATH: '/usr/local/bin:/usr/bin:/bin', KUBECONFIG: kubeconfig, ...env },
    timeout: TIMEOUT_MS,
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.end(stdin ?? '')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
  })
}
