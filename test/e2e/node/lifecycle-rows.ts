// The course of pods: init containers, sidecars, restarts, hooks, deadlines, last words.

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { events } from '../../../src/api/core/event.ts'
import { pods } from '../../../src/api/core/pod/pod.ts'
import { container, idOf, type NodePod, statusOf, type World } from './world.ts'

const shared = {
  volumes: [{ name: 'v', emptyDir: {} }],
  volumeMounts: [{ name: 'v', mountPath: '/v' }],
}

export function lifecycleRows(t: TestContext, world: World): Promise<void>[] {
  const { node } = world
  const { volumes, volumeMounts } = shared
  const more = { volumeMounts }
  return [
    world.row(t, 'init containers run in order, and one that fails runs again before the next', async () => {
      const initContainers = [
        container('first', 'echo first >> /v/log; [ -e /v/again ] || { touch /v/again; exit 3; }', more),
        container('second', 'echo second >> /v/log', more),
      ]
      const spec = { volumes, initContainers, restartPolicy: 'OnFailure' as const }
      const text = await world.output('init-order', 'cat /v/log', spec, more)
      assert.equal(text, 'first\nfirst\nsecond\n')
      const pod = await node.until('init-order', () => true)
      assert.deepEqual([statusOf(pod, 'first')?.restartCount, statusOf(pod, 'second')?.restartCount], [1, 0])
    }),

    world.row(t, 'an init container that fails in a pod that is not to restart fails the pod', async () => {
      const initContainers = [container('first', 'exit 4')]
      await world.create('init-fails', 'true', { initContainers, restartPolicy: 'Never' })
      const pod = await world.ended('init-fails')
      assert.deepEqual([pod?.status?.phase, statusOf(pod, 'first')?.state?.terminated?.exitCode], ['Failed', 4])
      assert.equal(statusOf(pod)?.state?.waiting?.reason, 'PodInitializing')
    }),

    world.row(t, 'a sidecar is there before the container, and ends after it', async () => {
      const side = `trap 'echo "main ended: $(cat /v/main)"; exit 0' TERM; touch /v/up; sleep 1000 & wait`
      const initContainers = [
        container('side', side, {
          volumeMounts,
          restartPolicy: 'Always',
          startupProbe: { exec: { command: ['cat', '/v/up'] }, periodSeconds: 1 },
        }),
      ]
      const spec = { volumes, initContainers, restartPolicy: 'Never' as const, terminationGracePeriodSeconds: 10 }
      await world.create('sidecar', '[ -e /v/up ] && echo yes > /v/main', spec, more)
      const pod = await world.ended('sidecar')
      assert.equal(pod?.status?.phase, 'Succeeded')
      assert.equal(await world.log('sidecar', '', 'side'), 'main ended: yes\n')
    }),

    world.row(t, 'an ephemeral container sees the processes of its target', async () => {
      await world.create('debugged', 'exec sleep 7654')
      await world.running('debugged')
      const debug = { ...container('debug', 'ps; sleep 1000'), targetContainerName: 'main' }
      await node.client.patch(
        pods,
        { namespace: 'default', name: 'debugged' },
        { type: 'strategic', body: { spec: { ephemeralContainers: [debug] } } },
        { subresource: 'ephemeralcontainers' },
      )
      const pod = await world.running('debugged', 'debug')
      assert.match(await world.inside(pod, 'ps', 'debug'), /sleep 7654/)
      assert.equal(statusOf(pod)?.restartCount, 0)
    }),

    world.row(t, 'OnFailure restarts what failed, not what succeeded', async () => {
      const script = '[ -e /v/again ] || { touch /v/again; exit 5; }'
      await world.create('on-failure', script, { volumes, restartPolicy: 'OnFailure' }, more)
      const pod = await world.ended('on-failure')
      assert.deepEqual([pod?.status?.phase, statusOf(pod)?.restartCount], ['Succeeded', 1])
      assert.equal(statusOf(pod)?.lastState?.terminated?.exitCode, 5)
    }),

    world.row(t, 'a container that keeps ending waits, and says how long', async () => {
      await world.create('crashing', 'exit 6')
      const pod = await node.until('crashing', (p) => statusOf(p)?.state?.waiting?.reason === 'CrashLoopBackOff')
      const { uid } = pod?.metadata ?? {}
      assert.equal(
        statusOf(pod)?.state?.waiting?.message,
        `back-off 10s restarting failed container=main pod=crashing_default(${uid})`,
      )
      const { message } = await world.event('crashing', ({ reason }) => reason === 'BackOff')
      assert.equal(message, `Back-off restarting failed container main in pod crashing_default(${uid})`)
    }),

    world.row(t, 'a pod that runs longer than it may is ended', async () => {
      await world.create('deadline', 'sleep 1000', { activeDeadlineSeconds: 2 })
      const pod = await world.ended('deadline')
      const { phase, reason, message } = pod?.status ?? {}
      assert.deepEqual(
        [phase, reason, message],
        ['Failed', 'DeadlineExceeded', 'Pod was active on the node longer than the specified deadline'],
      )
    }),

    world.row(t, 'last words come from a file of its own choice, or from the end of the log', async () => {
      await world.createPod('last-words', {
        restartPolicy: 'Never',
        containers: [
          container('file', 'echo from the file > /tmp/words; exit 1', { terminationMessagePath: '/tmp/words' }),
          container('log', 'echo from the log; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
          container('fine', 'echo unheard', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
        ],
      })
      const pod = await world.ended('last-words')
      const words = ['file', 'log', 'fine'].map((name) => statusOf(pod, name)?.state?.terminated?.message)
      assert.deepEqual(words, ['from the file\n', 'from the log\n', undefined])
    }),

    world.row(t, 'what is to be done after the start and before the end is done', async () => {
      const server = 'mkdir -p /v/www; echo ok > /v/www/stop; httpd -p 8080 -h /v/www -v -f 2>> /v/access'
      await world.createPod('hooks', {
        volumes,
        terminationGracePeriodSeconds: 5,
        containers: [
          container('exec', 'trap "exit 0" TERM; sleep 1000 & wait', {
            volumeMounts,
            lifecycle: {
              postStart: { exec: { command: ['sh', '-c', 'echo post > /v/post'] } },
              preStop: { exec: { command: ['sh', '-c', 'cat /v/post > /proc/1/fd/1'] } },
            },
          }),
          container('http', server, {
            volumeMounts,
            lifecycle: { preStop: { httpGet: { port: 8080, path: '/stop', scheme: 'HTTP' } } },
          }),
          container('sleep', 'trap "echo stopped; exit 0" TERM; sleep 1000 & wait', {
            volumeMounts,
            lifecycle: { preStop: { sleep: { seconds: 1 } } },
          }),
        ],
      })
      for (const name of ['exec', 'http', 'sleep']) await world.running('hooks', name)
      const pod = await node.until('hooks', () => true)
      const follow = world.log('hooks', '?follow=true', 'exec')
      const stopped = world.log('hooks', '?follow=true', 'sleep')
      assert.equal(await world.inside(pod as NodePod, 'cat /v/post', 'exec'), 'post\n')
      await node.client.delete(pods, { namespace: 'default', name: 'hooks' })
      await node.until('hooks', (p) => p === undefined)
      assert.deepEqual([await follow, await stopped], ['post\n', 'stopped\n'])
      // `httpd` has no preStop of its own to fail: a hook that failed would have been told.
      const { items } = await node.client.list(events, { namespace: 'default' })
      const failed = items.filter((e) => e.involvedObject.name === 'hooks' && e.reason === 'FailedPreStopHook')
      assert.deepEqual(failed, [])
    }),

    world.row(t, 'a container whose postStart fails is ended and started again', async () => {
      await world.create(
        'post-fails',
        'sleep 1000',
        {},
        {
          lifecycle: { postStart: { exec: { command: ['false'] } } },
        },
      )
      await world.event('post-fails', ({ reason }) => reason === 'FailedPostStartHook')
      const { message } = await world.event('post-fails', ({ reason }) => reason === 'Killing')
      assert.equal(message, 'FailedPostStartHook')
      await node.until('post-fails', (p) => (statusOf(p)?.restartCount ?? 0) > 0)
    }),

    world.row(t, 'a container that does not heed its signal is killed after its grace period', async () => {
      await world.create('deaf', 'trap "" TERM; sleep 1000')
      const began = idOf(await world.running('deaf'))
      const seen: (number | undefined)[] = []
      const gone = node.until('deaf', (p) => {
        if (idOf(p) === began) seen.push(statusOf(p)?.state?.terminated?.exitCode)
        return p === undefined
      })
      await node.client.delete(pods, { namespace: 'default', name: 'deaf' })
      await gone
      assert.equal(seen.at(-1), 137)
      const { message } = await world.event('deaf', ({ reason }) => reason === 'Killing')
      assert.equal(message, 'Stopping container main')
    }),
  ]
}
