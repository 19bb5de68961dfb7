// The rest of kubectl on what runs: rollouts, waiting, watching, editing, describing, and ends, gentle and forced.

import assert from 'node:assert/strict'
import { allReady, IDLE, isReady, pod, shell } from './pods.ts'
import type { KubernetesObject, Session } from './session.ts'

const labels = { app: 'web' }
const SAY = 'echo $WORD; trap exit TERM; while :; do sleep 1000 & wait $!; done'

function web(word: string): object {
  const container = { name: 'c', image: 'busybox', command: shell(SAY), env: [{ name: 'WORD', value: word }] }
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } }
  const spec = { replicas: 2, selector: { matchLabels: labels }, template }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec }
}

/** Both pods are of the newest template and say so themselves. */
async function says({ ok, until }: Session, word: string): Promise<void> {
  const found = await until('pods -l app=web', (pods) => pods.length === 2 && allReady(pods))
  for (const { metadata } of found)
    assert.equal(await ok(['exec', metadata.name, '--', ...shell('echo $WORD')]), `${word}\n`)
}

export async function rollouts(session: Session): Promise<void> {
  const { ok, apply, fails } = session
  const status = async (): Promise<void> =>
    assert.match(await ok('rollout status deployment/web --timeout=60s'), /deployment "web" successfully rolled out\n$/)
  await apply(web('one'))
  await status()
  await says(session, 'one')
  assert.equal(await ok('set env deployment/web WORD=two'), 'deployment.apps/web env updated\n')
  await status()
  await says(session, 'two')
  assert.match(await ok('rollout history deployment/web'), /^1 +<none>\n2 +<none>$/m)
  assert.equal(await ok('rollout undo deployment/web'), 'deployment.apps/web rolled back\n')
  await status()
  await says(session, 'one')
  await ok('rollout restart deployment/web')
  await status()

  // One that cannot come up is told of, and undone.
  await ok('set image deployment/web c=registry.invalid/none:1')
  assert.match(await fails('rollout status deployment/web --timeout=2s'), /timed out waiting/)
  await ok('rollout undo deployment/web')
  await status()
}

export async function patches(session: Session): Promise<void> {
  const { ok, apply, fails, until, file } = session
  await apply(web('one'))
  await until('pods -l app=web', (pods) => pods.length === 2 && allReady(pods))
  const container = { name: 'c', env: [{ name: 'WORD', value: 'strategic' }] }
  const strategic = JSON.stringify({ spec: { template: { spec: { containers: [container] } } } })
  assert.equal(await ok(['patch', 'deployment', 'web', '-p', strategic]), 'deployment.apps/web patched\n')
  await ok('rollout status deployment/web')
  await says(session, 'strategic')
  const json = '[{"op":"replace","path":"/spec/template/spec/containers/0/env/0/value","value":"json"}]'
  await ok(['patch', 'deployment', 'web', '--type=json', '-p', json])
  await ok('rollout status deployment/web')
  await says(session, 'json')
  await ok(['patch', 'deployment', 'web', '--type=merge', '-p', '{"spec":{"replicas":1}}'])
  const [last] = await until('pods -l app=web', (pods) => pods.length === 1 && allReady(pods))
  const name = last?.metadata.name

  await ok(`label pod ${name} colour=red`)
  assert.match(
    await fails(`label pod ${name} colour=blue`),
    /'colour' already has a value \(red\), and --overwrite is false/,
  )
  await ok(`label pod ${name} colour=blue --overwrite`)
  assert.equal(await ok('get pods -l colour=blue -o name'), `pod/${name}\n`)
  await ok(`annotate pod ${name} note=kept`)
  assert.equal(await ok(`get pod ${name} -o jsonpath={.metadata.annotations.note}`), 'kept')
  assert.equal(await ok(`edit pod ${name}`, { env: { KUBE_EDITOR: 'sed -i s/blue/green/' } }), `pod/${name} edited\n`)
  assert.equal(await ok(`get pod ${name} -o jsonpath={.metadata.labels.colour}`), 'green')
  // A label taken away is a pod given away: the controller makes another.
  await ok(`label pod ${name} app-`)
  await until('pods -l app=web', ([other]) => other !== undefined && isReady(other))

  file('web.json', JSON.stringify(web('replaced')))
  assert.equal(await ok('replace -f web.json'), 'deployment.apps/web replaced\n')
  await ok('rollout status deployment/web')
  await says(session, 'replaced')
  assert.match(
    await fails(['patch', 'pod', String(name), '-p', '{"spec":{"nodeName":"other"}}']),
    /pod updates may not change fields other than/,
  )
}

export async function ends(session: Session): Promise<void> {
  const { ok, apply, fails, until, start } = session
  const hook = { exec: { command: shell('echo hook >/proc/1/fd/1; sleep 1') } }
  const main = shell('trap "echo term; exit 5" TERM; echo begun; while :; do sleep 0.1; done')
  const spec = { terminationGracePeriodSeconds: 30 }
  await apply(
    pod('gentle', [{ command: main, lifecycle: { preStop: hook } }], spec),
    pod('deaf', [{ command: shell('trap "" TERM; echo begun; while :; do sleep 0.1; done') }], {
      terminationGracePeriodSeconds: 1000,
    }),
  )
  await until('pods', (pods) => pods.length === 2 && allReady(pods))
  const watching = start('get pod gentle -w --output-watch-events')
  await watching.says(/^ADDED +gentle +1\/1 +Running /m)
  const [gentle, deaf] = ['gentle', 'deaf'].map((name) => start(`logs -f ${name}`))
  await gentle?.says(/begun/)
  await deaf?.says(/begun/)
  assert.match(await ok('delete pod gentle'), /^pod "gentle" deleted/)
  assert.equal((await gentle?.ended)?.out, 'begun\nhook\nterm\n')
  await watching.says(/^MODIFIED +gentle +1\/1 +Terminating /m)
  await watching.says(/^DELETED +gentle /m)
  await watching.stop()
  assert.match(await fails('get pod gentle'), /NotFound/)
  // How it ended was told before it went.
  assert.match(
    await ok('get events --field-selector involvedObject.name=gentle,reason=Killing'),
    /Stopping container c1/,
  )

  const forced = await start('delete pod deaf --force --grace-period=0').ended
  assert.match(
    forced.err,
    /Immediate deletion does not wait for confirmation that the running resource has been terminated/,
  )
  assert.match(await fails('get pod deaf'), /NotFound/)
  // The object is gone at once, and its container does not stay for the time it asked for.
  assert.equal((await deaf?.ended)?.out, 'begun\n')
}

export async function views(session: Session): Promise<void> {
  const { ok, apply, until, version, fails, start } = session
  const probe = { exec: { command: ['test', '-e', '/tmp/ready'] }, periodSeconds: 1 }
  await apply(pod('seen', [{ command: IDLE, readinessProbe: probe, ports: [{ containerPort: 80 }] }], {}, { labels }))
  await until('pod seen', ([seen]) => seen?.status?.phase === 'Running')
  const waiting = start('wait --for=condition=Ready pod/seen --timeout=60s')
  await ok('exec seen -- touch /tmp/ready')
  assert.equal((await waiting.ended).out, 'pod/seen condition met\n')
  assert.match(await fails('wait --for=condition=Ready pod/none --timeout=5s'), /NotFound/)

  const described = await ok('describe pod seen')
  for (const line of [
    /^Node: +node-1\/\d+\./m,
    /^Status: +Running$/m,
    /^IP: +10\./m,
    /^ +Container ID: +containerd:\/\/[0-9a-f]{64}$/m,
    /^ +Image ID: +docker\.io\/library\/busybox@sha256:[0-9a-f]{64}$/m,
    /^ +State: +Running$/m,
    /^ +Ready: +True$/m,
    /^ +Restart Count: +0$/m,
    /^ +Ready +True/m,
    /^QoS Class: +BestEffort$/m,
    /Scheduled .* default-scheduler +Successfully assigned topic-\d+\/seen to node-1$/m,
    /Started .* kubelet /m,
  ]) {
    assert.match(described, line)
  }
  assert.match(await ok('describe node node-1'), /^ +Ready +True .*KubeletReady +kubelet is posting ready status$/m)
  if (version === '1.35') assert.match(await ok('events --for pod/seen'), /Normal +Started +Pod\/seen +/)
  assert.match(await ok('cluster-info'), /Kubernetes control plane.* is running at .*https:\/\/127\.0\.0\.1:\d+/)
  assert.equal(await ok('auth can-i delete pods'), 'yes\n')
  assert.match(await ok('explain pod.spec.terminationGracePeriodSeconds'), /terminationGracePeriodSeconds <integer>/)
  assert.match(await ok('get pods --field-selector status.phase=Running -A --no-headers'), / seen +1\/1 +Running /)
  await ok(`delete pods -l app=web --now`)
  await until('events', (events: readonly KubernetesObject[]) => events.length > 0)
}
