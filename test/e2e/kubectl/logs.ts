// kubectl logs: following, earlier runs, the end, since when, with times, of one container and of all.

import assert from 'node:assert/strict'
import { allReady, IDLE, pod, shell } from './pods.ts'
import type { Session } from './session.ts'

/** `early` is more than two seconds old when `late` is written. */
const WRITER = shell('echo one; echo two; echo early; sleep 3; until [ -e /tmp/go ]; do sleep 0.1; done; echo late')

export async function logsOfContainers({ ok, fails, apply, until, start }: Session): Promise<void> {
  await apply(
    pod(
      'writer',
      [
        { name: 'a', command: WRITER },
        { name: 'b', command: shell('echo from b; exec sleep 1000') },
      ],
      { restartPolicy: 'Never' },
      { labels: { app: 'writer' } },
    ),
  )
  await until('pod writer', allReady)
  const following = start('logs -f writer -c a')
  await following.says(/early/)
  assert.equal(await ok('logs writer -c a --tail=1'), 'early\n')
  assert.equal(await ok('logs writer -c a --tail=0'), '')
  assert.equal(await ok('logs writer -c a --limit-bytes=5'), 'one\nt')
  assert.equal(await ok('logs writer -c a --since=1h'), 'one\ntwo\nearly\n')
  const all = await ok('logs writer --all-containers')
  assert.deepEqual(all.split('\n').sort(), ['', 'early', 'from b', 'one', 'two'])
  assert.match(await ok('logs -l app=writer --all-containers --prefix'), /^\[pod\/writer\/b\] from b$/m)
  assert.match(await fails('logs writer -c nobody'), /container nobody is not valid for pod writer/)
  assert.match(
    await fails('logs writer -c b --previous'),
    /^Error from server \(BadRequest\): previous terminated container "b" in pod "writer" not found\n$/,
  )

  await ok('exec writer -c a -- touch /tmp/go')
  const { code, out } = await following.ended
  assert.equal(code, 0)
  assert.equal(out, 'one\ntwo\nearly\nlate\n')
  assert.equal(await ok('logs -f writer -c a'), out)
  assert.doesNotMatch(await ok('logs writer -c a --since=2s'), /early/)
  const times = await ok('logs writer -c a --timestamps')
  const late = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d{9}Z late$/m.exec(times)?.[1]
  assert.ok(late, times)
  assert.equal(await ok(`logs writer -c a --since-time=${late}Z`), 'late\n')
}

export async function logsOfEarlierRuns({ ok, apply, until }: Session): Promise<void> {
  const script =
    'echo run $(cat /kept/n 2>/dev/null); if [ -e /kept/n ]; then exec sleep 1000; fi; echo again > /kept/n; exit 3'
  await apply(
    pod('twice', [{ command: shell(script), volumeMounts: [{ name: 'kept', mountPath: '/kept' }] }], {
      volumes: [{ name: 'kept', emptyDir: {} }],
    }),
  )
  const [twice] = await until(
    'pod twice',
    ([found]) => found?.status?.containerStatuses?.[0]?.restartCount === 1 && allReady([found]),
  )
  assert.deepEqual(twice?.status?.containerStatuses?.[0]?.lastState.terminated?.exitCode, 3)
  assert.equal(await ok('logs twice --previous'), 'run\n')
  assert.equal(await ok('logs twice'), 'run again\n')
}

export async function logsOfAWorkload({ ok, apply, until }: Session): Promise<void> {
  const container = { name: 'c', image: 'busybox', command: shell('echo hello; exec sleep 1000') }
  const spec = { terminationGracePeriodSeconds: 0, containers: [container, { ...container, name: 'd', command: IDLE }] }
  const labels = { app: 'talker' }
  await apply({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'talker' },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  })
  await until('pods -l app=talker', (pods) => pods.length === 2 && allReady(pods))
  assert.equal(await ok('logs deployment/talker -c c'), 'hello\n')
  assert.equal(await ok('logs -l app=talker -c c'), 'hello\nhello\n')
}
