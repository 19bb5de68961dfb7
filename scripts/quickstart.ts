// What a newcomer sees first: a cluster starts, nginx runs in it three times, and a page comes back through the Service's address.

import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const images = join(root, '.cache', 'images')
const IMAGES = ['busybox', 'nginx']
const SERVE_TIMEOUT_MS = 120_000
const POLL_MS = 200

interface Outcome {
  readonly code: number
  readonly stdout: string
}

function drover(args: readonly string[], options: { show?: boolean } = {}): Outcome {
  const stderr = options.show === false ? 'pipe' : 'inherit'
  const done = spawnSync(join(root, 'drover'), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', stderr] })
  return { code: done.status ?? 1, stdout: done.stdout }
}

function must(args: readonly string[]): string {
  const { code, stdout } = drover(args)
  if (code !== 0) process.exit(code)
  return stdout
}

const say = (text: string): void => console.error(text)

/** Images are built once; again only when their description is newer. */
function buildImages(): void {
  for (const name of IMAGES) {
    const archive = join(images, `${name}.tar`)
    const spec = join(root, 'examples', 'images', `${name}.yaml`)
    if (existsSync(archive) && statSync(archive).mtimeMs > statSync(spec).mtimeMs) say(` ✓ image ${name} is built`)
    else must(['image', 'build', spec, '-o', archive])
  }
}

function loadImages(): void {
  const { images: present } = JSON.parse(must(['image', 'ls', '-o', 'json'])) as { images: { name: string }[] }
  for (const name of IMAGES)
    if (present.some((image) => image.name === name || image.name === `${name}:latest`))
      say(` ✓ image ${name} is loaded`)
    else must(['image', 'load', join(images, `${name}.tar`)])
}

async function fetchPage(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const request = get(`http://${address}/`, { timeout: 2_000 }, (response) => {
      let page = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        page += part
      })
      response.on('end', () => resolve(response.statusCode === 200 ? page : undefined))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(undefined))
  })
}

async function untilServing(): Promise<string> {
  const deadline = performance.now() + SERVE_TIMEOUT_MS
  const query = ['kubectl', 'get', 'rc/nginx', 'service/nginx', '-o', 'json']
  while (performance.now() < deadline) {
    const { code, stdout } = drover(query, { show: false })
    if (code === 0) {
      const { items } = JSON.parse(stdout) as {
        items: { kind: string; spec: { clusterIP?: string }; status: { readyReplicas?: number } }[]
      }
      const ready = items.find(({ kind }) => kind === 'ReplicationController')?.status.readyReplicas ?? 0
      const address = items.find(({ kind }) => kind === 'Service')?.spec.clusterIP
      if (ready >= 3 && address) {
        const page = await fetchPage(address)
        if (page !== undefined) return `http://${address}/\n\n${page}`
      }
    }
    await sleep(POLL_MS)
  }
  say('drover: nginx does not serve\n        see: ./drover kubectl get pods,events')
  process.exit(1)
}

buildImages()
must(['up'])
loadImages()
process.stdout.write(must(['kubectl', 'apply', '-f', join(root, 'examples', 'quickstart')]))
say(' • Waiting until nginx serves …')
const begin = performance.now()
const page = await untilServing()
say(` ✓ nginx serves (${((performance.now() - begin) / 1000).toFixed(1)} s)`)
process.stdout.write(`\n${page}\n`)
process.stdout.write(`Try next:
  ./drover kubectl get pods -o wide
  ./drover kubectl scale rc nginx --replicas=5
  ./drover status
`)
