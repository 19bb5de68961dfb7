// The first manifests: a pod that serves, a ReplicationController that keeps three of it whatever happens, and Services in front.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { pageOf } from './bytes.ts'
import { allReady, IDLE, isReady, pod } from './pods.ts'
import type { KubernetesObject, Session } from './session.ts'

const manifest = (name: string): string => readFileSync(new URL(`manifests/${name}.yaml`, import.meta.url), 'utf8')
const WELCOME = /<h1>Welcome to nginx!<\/h1>/

const ready =
  (count: number) =>
  (pods: readonly KubernetesObject[]): boolean =>
    pods.length === count && allReady(pods)
const idsOf = (pods: readonly KubernetesObject[]): string[] => pods.map(({ metadata }) => metadata.uid).sort()

export async function firstPod({ ok, until }: Session): Promise<void> {
  await ok('apply -f -', { stdin: manifest('nginx-pod') })
  const [nginx] = await until('pod nginx', allReady)
  assert.match(await pageOf(`http://${nginx?.status?.podIP}/`), WELCOME)
  assert.match(await ok('logs nginx'), /"GET \/ HTTP\/1\.1" 200/)
  assert.match(
    await ok('get pod nginx -o wide'),
    new RegExp(`^nginx +1/1 +Running +0 +\\d+s +${nginx?.status?.podIP} +node-1 `, 'm'),
  )
}

export async function replication({ ok, until }: Session): Promise<void> {
  const pods = 'pods -l app=nginx'
  await ok('apply -f -', { stdin: manifest('nginx-replication') })
  const three = await until(pods, ready(3))
  const [first, second] = three
  assert.ok(first && second)

  await ok(`delete pod ${first.metadata.name} --wait=false`)
  const renewed = await until(pods, (found) => ready(3)(found) && !idsOf(found).includes(first.metadata.uid))

  // nginx, process 1, takes SIGTERM for its end; the pod stays and its container begins anew.
  await ok(`exec ${second.metadata.name} -- kill 1`)
  const restarted = await until(
    pods,
    (found) => ready(3)(found) && found.some(({ status }) => status?.containerStatuses?.[0]?.restartCount === 1),
  )
  assert.deepEqual(idsOf(restarted), idsOf(renewed))
  const again = restarted.find(({ metadata }) => metadata.uid === second.metadata.uid)?.status?.containerStatuses?.[0]
  assert.deepEqual([again?.restartCount, again?.lastState.terminated?.reason], [1, 'Completed'])

  assert.equal(await ok('scale rc nginx --replicas=5'), 'replicationcontroller/nginx scaled\n')
  await until(pods, ready(5))
  await ok('scale rc nginx --replicas=3 --current-replicas=5')
  const left = await until(pods, ready(3))
  assert.match(await ok('get rc nginx'), /^nginx +3 +3 +3 +\d+s$/m)
  await ok('delete rc nginx')
  await until(pods, (found) =>
    left.every(({ metadata }) => !found.some((p) => p.metadata.uid === metadata.uid && isReady(p))),
  )
}

interface ServiceFacts extends KubernetesObject {
  readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly nodePort: number }[] }
}

export async function services({ ok, until, apply }: Session): Promise<void> {
  await apply(pod('client', [{ command: IDLE }]))
  await ok('apply -f -', { stdin: manifest('nginx-replication') })
  assert.equal(await ok('expose rc nginx --port=8080 --target-port=80 --type=NodePort'), 'service/nginx exposed\n')
  await until('pods', ready(4))
  const [service] = await until<ServiceFacts>('service nginx', () => true)
  assert.ok(service)
  const { clusterIP, ports } = service.spec
  const nodeIP = await ok('get nodes -o jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}')
  const places = [`http://${clusterIP}:8080/`, `http://${nodeIP}:${ports[0]?.nodePort}/`]
  for (const place of places) {
    assert.match(await pageOf(place), WELCOME)
    assert.match(await ok(`exec client -- wget -q -O - ${place}`), WELCOME)
  }
  assert.match(await ok('describe service nginx'), /^Endpoints: +10\.\S+:80,10\.\S+:80,10\.\S+:80$/m)
  // Every one of the three is given its share.
  for (let i = 0; i < 60; i++) await pageOf(places[0] ?? '')
  const [one = '', ...others] = (await ok('get pods -l app=nginx -o name')).trim().split('\n')
  for (const name of [one, ...others]) assert.match(await ok(`logs ${name}`), /"GET \/ HTTP/)
}

/** What a pod has of the API is enough for a client without any settings: address, authority, a token of its account, its namespace. */
export async function apiFromPods({ ok, fails, until, apply, namespace, programs }: Session): Promise<void> {
  const mounts = { volumeMounts: [{ name: 'clients', mountPath: '/clients', readOnly: true }] }
  await apply(
    pod('client', [{ command: IDLE, ...mounts, env: [{ name: 'HOME', value: '/tmp' }] }], {
      volumes: [{ name: 'clients', hostPath: { path: dirname(programs['1.35']), type: 'Directory' } }],
    }),
  )
  await until('pod client', allReady)
  const inside = (words: string): string => `exec client -- /clients/${basename(programs['1.35'])} ${words}`
  assert.match(await ok(inside('version')), /Server Version: v1\.36\./)
  assert.match(
    await fails(inside('get pods')),
    new RegExp(
      `pods is forbidden: User "system:serviceaccount:${namespace}:default" cannot list resource "pods" in API group "" in the namespace "${namespace}"`,
    ),
  )
  await ok(`create rolebinding see --clusterrole=view --serviceaccount=${namespace}:default`)
  assert.equal(await ok(inside('get pods -o name')), 'pod/client\n')
  assert.equal(await ok(inside('auth can-i list pods')), 'yes\n')
}
