// A real containerd pulls the example images from our registry and runs them: what `drover image load` and every pod rely on.

import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Client, credentials } from '@grpc/grpc-js'
import { systemClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { systemRandom } from '../../../src/base/random.ts'
import { exportArchive, importArchive } from '../../../src/oci/archive.ts'
import { buildImage } from '../../../src/oci/build.ts'
import { containerdHostsToml, containerdRegistryToml, DEFAULT_HOSTS_FILE } from '../../../src/oci/containerd-hosts.ts'
import { buildPauseImage, PAUSE_IMAGE } from '../../../src/oci/pause.ts'
import { startRegistry } from '../../../src/oci/registry.ts'
import { parseImageSpec } from '../../../src/oci/spec.ts'
import { type ImageStore, openImageStore } from '../../../src/oci/store.ts'

const run = promisify(execFile)
const examples = fileURLToPath(new URL('../../../examples/images', import.meta.url))
const architecture = process.arch === 'x64' ? 'amd64' : 'arm64'
const cleanup = new AsyncDisposableStack()
const NGINX = 'docker.io/library/nginx:latest'
const BUSYBOX = 'docker.io/library/busybox:latest'

let root: string
let store: ImageStore
let ctr: (...args: string[]) => Promise<string>
let hosts: string
let socket: string

async function build(name: string): Promise<string> {
  const spec = parseImageSpec(await readFile(join(examples, `${name}.yaml`), 'utf8'))
  const cacheDirectory = fileURLToPath(new URL('../../../.cache/oci-packages', import.meta.url))
  const signal = AbortSignal.timeout(300_000)
  return (
    await buildImage(spec, { store, directory: examples, cacheDirectory, random: systemRandom, architecture, signal })
  ).digest
}

before(async () => {
  root = await mkdtemp(join(tmpdir(), 'drover-oci-'))
  cleanup.defer(() => rm(root, { recursive: true, force: true }))
  store = await openImageStore({ directory: join(root, 'images'), clock: systemClock, random: systemRandom })
  const registry = cleanup.use(await startRegistry({ store, host: '127.0.0.1', port: 0, log: silentLogger }))
  hosts = join(root, 'hosts')
  await mkdir(dirname(join(hosts, DEFAULT_HOSTS_FILE)), { recursive: true })
  await writeFile(join(hosts, DEFAULT_HOSTS_FILE), containerdHostsToml({ host: '127.0.0.1', port: registry.port }))
  cleanup.use(await startContainerd())
  ctr = async (...args) => (await run('ctr', ['--address', socket, '--namespace', 'k8s.io', ...args])).stdout
})

after(() => cleanup.disposeAsync())

test('the example images build twice to the same digest', async () => {
  await buildPauseImage(store)
  for (const name of ['busybox', 'nginx']) assert.equal(await build(name), await build(name))
})

test('containerd pulls them by their everyday names, and the pause image by its own', async () => {
  for (const reference of [NGINX, BUSYBOX, PAUSE_IMAGE]) {
    await ctr('images', 'pull', '--hosts-dir', hosts, '--platform', `linux/${architecture}`, reference)
    assert.ok((await ctr('images', 'ls', '-q')).split('\n').includes(reference))
  }
})

test('CRI, which pods go through, pulls with the same configuration', async () => {
  const client = new Client(`unix://${socket}`, credentials.createInsecure())
  // PullImageRequest { image: ImageSpec { image: NGINX } }: both are field 1, both lengths fit in a byte.
  const name = Buffer.from(NGINX)
  const request = Buffer.from([0x0a, name.length + 2, 0x0a, name.length, ...name])
  const reply = await new Promise<Buffer>((resolve, reject) => {
    const bytes = (message: Buffer): Buffer => message
    client.makeUnaryRequest('/runtime.v1.ImageService/PullImage', bytes, bytes, request, (error, value) =>
      error ? reject(error) : resolve(value ?? Buffer.alloc(0)),
    )
  })
  client.close()
  assert.match(reply.toString('latin1'), /sha256:[0-9a-f]{64}/)
})

test('containerd imports what is exported', async () => {
  const file = join(root, 'export.tar')
  await writeFile(file, exportArchive(store, ['busybox', PAUSE_IMAGE], { architecture }))
  const imported = await run('ctr', ['--address', socket, '--namespace', 'elsewhere', 'images', 'import', file])
  assert.match(imported.stdout, /docker\.io\/library\/busybox:latest/)
  assert.match(imported.stdout, /drover\.internal\/pause:1/)
})

test('what containerd exports is imported, with the same digest', async () => {
  const file = join(root, 'ctr.tar')
  await ctr('images', 'export', '--platform', `linux/${architecture}`, file, BUSYBOX)
  const other = await openImageStore({ directory: join(root, 'other'), clock: systemClock, random: systemRandom })
  const [image] = await importArchive(other, createReadStream(file), { architecture })
  assert.deepEqual(image?.reference, BUSYBOX)
  assert.deepEqual(image?.target.digest, (await store.resolve('busybox'))?.digest)
})

test('busybox has a shell, accounts and a directory for temporary files', async () => {
  const output = await ctr(
    'run',
    '--rm',
    '--cgroup',
    cgroup('bb'),
    BUSYBOX,
    'bb',
    'sh',
    '-c',
    'id -un; stat -c %a /tmp; ls /bin/tar; tar --help 2>&1 | head -n 1 | cut -c 1-7',
  )
  assert.deepEqual(output.trim().split('\n'), ['root', '1777', '/bin/tar', 'BusyBox'])
})

test('pause stays until it is told to go', async () => {
  const pause = await start(PAUSE_IMAGE, 'pause')
  await ctr('tasks', 'kill', '--signal', 'SIGTERM', 'pause')
  assert.equal((await pause.end).code, 0)
})

test('nginx serves a page, logs to its output and leaves on its stop signal', async () => {
  const web = await start(NGINX, 'web')
  // ctr gives the container a network of its own without addresses: its loopback is reached from inside.
  const page = await ctr(
    'tasks',
    'exec',
    '--exec-id',
    'e1',
    'web',
    'sh',
    '-c',
    'ip link set lo up; until wget -q -O - http://127.0.0.1:80/; do :; done',
  )
  assert.match(page, /Welcome to nginx!/)
  assert.equal((await ctr('tasks', 'exec', '--exec-id', 'e2', 'web', 'id', '-u')).trim(), '0')
  await ctr('tasks', 'kill', '--signal', 'SIGQUIT', 'web')
  const { code, output } = await web.end
  assert.equal(code, 0)
  assert.match(output, /"GET \/ HTTP\/1.1" 200/)
})

/** A cgroup that belongs to the container alone, so that none is left when it ends. */
function cgroup(container: string): string {
  return `/${basename(root)}-${container}`
}

/** Runs a container in the foreground and waits until it runs; `end` is its exit code and all that it wrote. */
async function start(image: string, container: string): Promise<{ end: Promise<{ code: number; output: string }> }> {
  const child = spawn(
    'ctr',
    ['--address', socket, '-n', 'k8s.io', 'run', '--rm', '--cgroup', cgroup(container), image, container],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const end = once(child, 'close').then(([code]) => ({ code, output }))
  const running = new RegExp(`^${container}\\s+\\d+\\s+RUNNING`, 'm')
  while (!running.test(await ctr('tasks', 'ls'))) assert.equal(child.exitCode, null, output)
  return { end }
}

/** A containerd of our own: nothing of the machine's is touched. */
async function startContainerd(): Promise<AsyncDisposable> {
  socket = join(root, 'containerd.sock')
  const config = join(root, 'config.toml')
  const text = `version = 2
root = ${JSON.stringify(join(root, 'root'))}
state = ${JSON.stringify(join(root, 'state'))}
[grpc]
  address = ${JSON.stringify(socket)}
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = ${JSON.stringify(PAUSE_IMAGE)}
[plugins."io.containerd.grpc.v1.cri".cni]
  conf_dir = ${JSON.stringify(join(root, 'cni'))}
`
  await writeFile(config, text + containerdRegistryToml(hosts))
  const child = spawn('containerd', ['--config', config], { stdio: 'ignore' })
  await once(child, 'spawn')
  while (!(await answers(child))) await new Promise((resolve) => setImmediate(resolve))
  return {
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}

function answers(child: ChildProcess): Promise<boolean> {
  assert.equal(child.exitCode, null, 'containerd runs')
  return new Promise((resolve) => {
    const probe = connect(socket, () => {
      probe.destroy()
      resolve(true)
    })
    probe.on('error', () => resolve(false))
  })
}
