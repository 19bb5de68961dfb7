// Pods that cannot run: what their status, their events and kubectl say of them is what Kubernetes says.

import assert from 'node:assert/strict'
import { IDLE, pod, shell } from './pods.ts'
import type { KubernetesObject, Session } from './session.ts'

type Container = NonNullable<NonNullable<KubernetesObject['status']>['containerStatuses']>[number]

const first = ([found]: readonly KubernetesObject[]): Container | undefined => found?.status?.containerStatuses?.[0]
const waits =
  (reason: string) =>
  (found: readonly KubernetesObject[]): boolean =>
    first(found)?.state.waiting?.reason === reason

/** The messages of a pod's events of one reason. */
async function messages({ ok }: Session, name: string, reason: string): Promise<string[]> {
  const selector = `involvedObject.name=${name},reason=${reason}`
  const text = await ok(`get events --field-selector ${selector} -o jsonpath={range.items[*]}{.message}{"\\n"}{end}`)
  return text.split('\n').filter((line) => line !== '')
}

export async function noImage(session: Session): Promise<void> {
  const { apply, until, fails, ok } = session
  // No machine has this name (RFC 2606).
  const image = 'registry.invalid/nothing/here:1'
  await apply(
    pod('absent', [{ image }]),
    pod('never', [{ image, imagePullPolicy: 'Never' }]),
    pod('odd', [{ image: 'No//Image' }]),
  )
  const pulled = await until('pod absent', waits('ErrImagePull'))
  const why =
    /^rpc error: code = \w+ desc = failed to pull and unpack image "registry\.invalid\/nothing\/here:1": failed to resolve reference /
  assert.match(first(pulled)?.state.waiting?.message ?? '', why)
  assert.equal(pulled[0]?.status?.phase, 'Pending')
  const backedOff = await until('pod absent', waits('ImagePullBackOff'))
  assert.match(
    first(backedOff)?.state.waiting?.message ?? '',
    /^Back-off pulling image "registry\.invalid\/nothing\/here:1": ErrImagePull: rpc error: code = /,
  )
  assert.match(await ok('get pod absent'), /^absent +0\/1 +(?:ImagePullBackOff|ErrImagePull) +0 /m)
  assert.deepEqual(await messages(session, 'absent', 'Pulling'), [`Pulling image "${image}"`])
  assert.deepEqual(await messages(session, 'absent', 'BackOff'), [`Back-off pulling image "${image}"`])
  const failed = await messages(session, 'absent', 'Failed')
  assert.ok(failed.some((text) => text.startsWith(`Failed to pull image "${image}": rpc error: code = `)))
  for (const text of ['Error: ErrImagePull', 'Error: ImagePullBackOff']) assert.ok(failed.includes(text), text)
  assert.equal(
    await fails('logs absent'),
    'Error from server (BadRequest): container "c1" in pod "absent" is waiting to start: trying and failing to pull image\n',
  )
  assert.match(await fails('exec absent -- ls'), /unable to upgrade connection: container not found \("c1"\)/)

  const never = await until('pod never', waits('ErrImageNeverPull'))
  assert.equal(
    first(never)?.state.waiting?.message,
    `Container image "${image}" is not present with pull policy of Never`,
  )
  assert.deepEqual(await messages(session, 'never', 'Failed'), ['Error: ErrImageNeverPull'])
  assert.equal(
    await fails('logs never'),
    'Error from server (BadRequest): container "c1" in pod "never" is waiting to start: ErrImageNeverPull\n',
  )
  const odd = await until('pod odd', waits('InvalidImageName'))
  assert.match(
    first(odd)?.state.waiting?.message ?? '',
    /^Failed to apply default image tag "No\/\/Image": couldn't parse image name "No\/\/Image": invalid reference format/,
  )
  assert.deepEqual(await messages(session, 'odd', 'Failed'), ['Error: InvalidImageName'])
}

export async function noProgram(session: Session): Promise<void> {
  const { apply, until, ok } = session
  await apply(pod('lost', [{ command: ['no-such-program'] }]))
  const text =
    /^failed to create containerd task: .*exec: "no-such-program": executable file not found in \$PATH: unknown$/
  const began = await until('pod lost', waits('RunContainerError'))
  assert.match(first(began)?.state.waiting?.message ?? '', text)
  const looping = await until('pod lost', waits('CrashLoopBackOff'))
  const last = first(looping)?.lastState.terminated
  assert.equal(last?.reason, 'StartError')
  assert.equal(last?.exitCode, 128)
  assert.match(last?.message ?? '', text)
  // It never began.
  assert.equal(last?.startedAt, '1970-01-01T00:00:00Z')
  const failed = await messages(session, 'lost', 'Failed')
  assert.match(failed[0] ?? '', /^Error: failed to create containerd task: /)
  assert.match(
    await ok('describe pod lost'),
    /Last State: +Terminated\n +Reason: +StartError\n[\s\S]*Exit Code: +128\n/,
  )
}

export async function crashLoop(session: Session): Promise<void> {
  const { apply, until, ok, fails } = session
  await apply(pod('crash', [{ command: shell('echo run; exit 3') }]))
  const looping = await until(
    'pod crash',
    (found) => waits('CrashLoopBackOff')(found) && first(found)?.restartCount === 1,
  )
  const uid = looping[0]?.metadata.uid
  assert.equal(
    first(looping)?.state.waiting?.message,
    `back-off 10s restarting failed container=c1 pod=crash_${session.namespace}(${uid})`,
  )
  assert.deepEqual(
    [first(looping)?.lastState.terminated?.reason, first(looping)?.lastState.terminated?.exitCode],
    ['Error', 3],
  )
  assert.equal(looping[0]?.status?.phase, 'Running')
  assert.match(await ok('get pod crash'), /^crash +0\/1 +CrashLoopBackOff +1 \(\d+s ago\) +\d+s$/m)
  assert.deepEqual(await messages(session, 'crash', 'BackOff'), [
    `Back-off restarting failed container c1 in pod crash_${session.namespace}(${uid})`,
  ])
  assert.equal(await ok('logs crash'), 'run\n')
  assert.equal(await ok('logs crash --previous'), 'run\n')
  assert.match(await fails('exec crash -- ls'), /unable to upgrade connection: container not found \("c1"\)/)
  // After ten seconds it is tried again, and the wait doubles.
  await until(
    'pod crash',
    (found) => first(found)?.restartCount === 2 && /^back-off 20s /.test(first(found)?.state.waiting?.message ?? ''),
  )
}

export async function badConfiguration(session: Session): Promise<void> {
  const { apply, until, fails } = session
  const envFrom = [{ secretRef: { name: 'absent' } }]
  await apply(
    pod('secretless', [{ command: IDLE, envFrom }]),
    pod('volumeless', [{ command: IDLE, volumeMounts: [{ name: 'v', mountPath: '/v' }] }], {
      volumes: [{ name: 'v', configMap: { name: 'absent' } }],
    }),
    pod('nowhere', [{ command: IDLE }], { nodeSelector: { no: 'node' } }),
  )
  const secretless = await until('pod secretless', waits('CreateContainerConfigError'))
  assert.equal(first(secretless)?.state.waiting?.message, 'secret "absent" not found')
  assert.deepEqual(await messages(session, 'secretless', 'Failed'), ['Error: secret "absent" not found'])
  assert.match(
    await fails('logs secretless'),
    /container "c1" in pod "secretless" is waiting to start: CreateContainerConfigError\n/,
  )
  await until('events --field-selector involvedObject.name=volumeless,reason=FailedMount', () => true)
  assert.deepEqual(await messages(session, 'volumeless', 'FailedMount'), [
    'MountVolume.SetUp failed for volume "v" : configmap "absent" not found',
  ])
  assert.match(
    await fails('logs volumeless'),
    /container "c1" in pod "volumeless" is waiting to start: ContainerCreating\n/,
  )
  const unplaced = await until(
    'pod nowhere',
    ([found]) => found?.status?.conditions?.some(({ status }) => status === 'False') ?? false,
  )
  assert.equal(unplaced[0]?.status?.phase, 'Pending')
  assert.match(await fails('exec nowhere -- ls'), /pod nowhere does not have a host assigned/)
}
