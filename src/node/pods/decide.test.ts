// Tables of what is decided for a pod.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decide, type ProbeVerdict, type ProbeVerdicts } from './decide.ts'
import { containerHash, type ContainerView, type NodePod, type PodView } from './model.ts'

const silent: ProbeVerdicts = { liveness: () => 'unknown', readiness: () => 'unknown', startup: () => 'unknown' }
const saying = (sort: keyof ProbeVerdicts, verdict: ProbeVerdict): ProbeVerdicts => ({
  ...silent,
  [sort]: () => verdict,
})

function podOf(spec: Partial<NodePod['spec']>): NodePod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'u1' },
    spec: { containers: [{ name: 'main', image: 'web:1' }], ...spec },
  }
}

function containerOf(name: string, state: ContainerView['state'], changes: Partial<ContainerView> = {}): ContainerView {
  return {
    id: `${name}-id`,
    name,
    sandboxId: 's1',
    state,
    attempt: 0,
    hash: containerHash({ name, image: 'web:1' }),
    createdAt: 1,
    startedAt: 1,
    finishedAt: 2,
    exitCode: 0,
    reason: '',
    message: '',
    image: 'web:1',
    imageRef: '',
    logPath: '',
    ...changes,
  }
}

const ready = { id: 's1', state: 'SANDBOX_READY', attempt: 0, createdAt: 1, ips: ['10.0.0.1'] } as const
const dead = { ...ready, state: 'SANDBOX_NOTREADY' } as const
const running = (name = 'main', changes: Partial<ContainerView> = {}): ContainerView =>
  containerOf(name, 'CONTAINER_RUNNING', changes)
const exited = (name: string, exitCode: number): ContainerView => containerOf(name, 'CONTAINER_EXITED', { exitCode })
const init = [{ name: 'init', image: 'web:1' }]
const sidecar = [{ name: 'side', image: 'web:1', restartPolicy: 'Always' }]

interface Row {
  name: string
  spec?: Partial<NodePod['spec']>
  sandboxes?: PodView['sandboxes']
  containers?: readonly ContainerView[]
  probes?: ProbeVerdicts
  /** What is to happen, in words: `kill:main`, `start:main`, `sandbox:0`, `end`. */
  does: string
}

const rows: readonly Row[] = [
  { name: 'a new pod gets a sandbox', sandboxes: [], does: 'sandbox:0' },
  { name: 'a container is started in it', does: 'start:main' },
  { name: 'what runs is left alone', containers: [running()], does: '' },
  { name: 'Always starts again after success', containers: [exited('main', 0)], does: 'start:main' },
  {
    name: 'OnFailure starts again after a failure',
    spec: { restartPolicy: 'OnFailure' },
    containers: [exited('main', 1)],
    does: 'start:main',
  },
  {
    name: 'OnFailure ends after success',
    spec: { restartPolicy: 'OnFailure' },
    containers: [exited('main', 0)],
    does: 'end',
  },
  {
    name: 'Never ends after a failure',
    spec: { restartPolicy: 'Never' },
    containers: [exited('main', 1)],
    does: 'end',
  },
  {
    name: 'a dead sandbox is replaced, with all in it',
    sandboxes: [dead],
    containers: [running()],
    does: 'end sandbox:1',
  },
  {
    name: 'but not for a pod that is not to run again',
    spec: { restartPolicy: 'Never' },
    sandboxes: [dead],
    containers: [running()],
    does: 'end',
  },
  { name: 'a sandbox without an address is none', sandboxes: [{ ...ready, ips: [] }], does: 'end sandbox:1' },
  {
    name: 'unless it has the host network',
    spec: { hostNetwork: true },
    sandboxes: [{ ...ready, ips: [] }],
    does: 'start:main',
  },
  {
    name: 'another image replaces the container',
    containers: [running('main', { hash: 'other' })],
    does: 'kill:main start:main',
  },
  {
    name: 'failed liveness restarts',
    containers: [running()],
    probes: saying('liveness', 'failure'),
    does: 'kill:main start:main',
  },
  {
    name: 'failed startup kills for good with Never',
    spec: { restartPolicy: 'Never' },
    containers: [running()],
    probes: saying('startup', 'failure'),
    does: 'kill:main',
  },
  {
    name: 'failed readiness changes nothing',
    containers: [running()],
    probes: saying('readiness', 'failure'),
    does: '',
  },
  { name: 'init containers come first', spec: { initContainers: init }, does: 'start:init' },
  { name: 'and are waited for', spec: { initContainers: init }, containers: [running('init')], does: '' },
  {
    name: 'then the containers start',
    spec: { initContainers: init },
    containers: [exited('init', 0)],
    does: 'start:main',
  },
  {
    name: 'a failed one runs again',
    spec: { initContainers: init },
    containers: [exited('init', 1)],
    does: 'start:init',
  },
  {
    name: 'or ends the pod',
    spec: { initContainers: init, restartPolicy: 'Never' },
    containers: [exited('init', 1)],
    does: 'end',
  },
  {
    name: 'one whose record is gone does not run again',
    spec: { initContainers: init },
    containers: [running()],
    does: '',
  },
  {
    name: 'a sidecar that runs lets the next start',
    spec: { initContainers: sidecar },
    containers: [running('side')],
    does: 'start:main',
  },
  {
    name: 'a sidecar that ended starts again beside the container',
    spec: { initContainers: sidecar },
    containers: [exited('side', 0), running()],
    does: 'start:side',
  },
  {
    name: 'sidecars do not keep a pod',
    spec: { initContainers: sidecar, restartPolicy: 'Never' },
    containers: [running('side'), exited('main', 0)],
    does: 'end',
  },
  {
    name: 'ephemeral containers start once',
    spec: { ephemeralContainers: [{ name: 'debug', image: 'web:1' }] },
    containers: [running()],
    does: 'start:debug',
  },
  {
    name: 'and only once',
    spec: { ephemeralContainers: [{ name: 'debug', image: 'web:1' }] },
    containers: [running(), exited('debug', 1)],
    does: '',
  },
]

for (const { name, spec = {}, sandboxes = [ready], containers = [], probes = silent, does } of rows) {
  test(name, () => {
    const view = { uid: 'u1', name: 'web', namespace: 'default', sandboxes, containers }
    const plan = decide({ pod: podOf(spec), view, probes })
    const words = [
      ...(plan.killPod ? ['end'] : []),
      ...(plan.createSandbox ? [`sandbox:${plan.sandboxAttempt}`] : []),
      ...plan.kill.map(({ container }) => `kill:${container.name}`),
      ...plan.start.map((started) => `start:${started}`),
    ]
    assert.equal(words.join(' '), does)
  })
}
