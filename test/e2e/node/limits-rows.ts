// What a container may do and use: identity, powers, limits, images.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Container } from '../../../src/api/core/pod/container.ts'
import { container, idOf, statusOf, type World } from './world.ts'

type Security = NonNullable<Container['securityContext']>
const STATUS = 'grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status'

export function limitsRows(t: TestContext, world: World): Promise<void>[] {
  const { node } = world
  /** The text of a file of the memory, cpu or pids cgroup of a pod or one of its containers. */
  const cgroup = (path: string, controller: string, file: string): string => {
    const { hierarchy } = node.runtime
    const tree = hierarchy.mounts.get(hierarchy.version === 2 ? '' : controller) ?? ''
    return readFileSync(join(tree, path, file), 'utf8').trim()
  }
  const as = (securityContext: Security): Partial<Container> => ({ securityContext })
  return [
    world.row(t, 'limits and requests are in the cgroup files of pod and container', async () => {
      await world.createPod('limited', {
        terminationGracePeriodSeconds: 1,
        containers: [
          container('main', 'sleep 1000', {
            resources: { requests: { cpu: '100m', memory: '16Mi' }, limits: { cpu: '500m', memory: '32Mi' } },
          }),
          container('other', 'sleep 1000', { resources: { limits: { cpu: '250m', memory: '16Mi' } } }),
        ],
      })
      const pod = await world.running('limited')
      await world.running('limited', 'other')
      assert.equal(pod.status?.qosClass, 'Burstable')
      const path = node.runtime.cgroups.podPath({ uid: pod.metadata.uid ?? '', qos: 'Burstable' })
      const own = `${path}/${idOf(pod)}`
      const [quota, shares, memory] =
        node.runtime.hierarchy.version === 2
          ? ['cpu.max', 'cpu.weight', 'memory.max']
          : ['cpu.cfs_quota_us', 'cpu.shares', 'memory.limit_in_bytes']
      const read = (where: string) => [
        cgroup(where, 'cpu', quota ?? ''),
        cgroup(where, 'cpu', shares ?? ''),
        cgroup(where, 'memory', memory ?? ''),
      ]
      const mebi = (count: number): string => String(count * 2 ** 20)
      const expected =
        node.runtime.hierarchy.version === 2
          ? [
              ['50000 100000', '17', mebi(32)],
              ['75000 100000', '43', mebi(48)],
            ]
          : [
              ['50000', '102', mebi(32)],
              ['75000', '358', mebi(48)],
            ]
      assert.deepEqual([read(own), read(path)], expected)
    }),

    world.row(t, 'a container beyond its memory limit is OOMKilled', async () => {
      await world.create(
        'greedy',
        'dd if=/dev/zero of=/dev/null bs=96M count=1; sleep 1',
        { restartPolicy: 'Never' },
        {
          command: ['dd', 'if=/dev/zero', 'of=/dev/null', 'bs=96M', 'count=1'],
          resources: { limits: { memory: '16Mi' } },
        },
      )
      const pod = await world.ended('greedy')
      const { exitCode, reason } = statusOf(pod)?.state?.terminated ?? {}
      assert.deepEqual([pod?.status?.phase, exitCode, reason], ['Failed', 137, 'OOMKilled'])
    }),

    world.row(t, 'user, group and further groups are those that the pod names', async () => {
      const securityContext = { runAsUser: 1000, runAsGroup: 3000, supplementalGroups: [4000] }
      const text = await world.output('user', 'id -u; id -g; id -G', { securityContext }, as({ runAsUser: 1001 }))
      assert.equal(text, '1001\n3000\n3000 4000\n')
    }),

    world.row(t, 'a container that may not be root is not started as root', async () => {
      await world.create('root', 'true', {}, as({ runAsNonRoot: true }))
      await world.create('zero', 'true', {}, as({ runAsNonRoot: true, runAsUser: 0 }))
      const reason = 'CreateContainerConfigError'
      assert.match(
        await world.waiting('root', reason),
        /^container has runAsNonRoot and image will run as root \(pod: "root_default\([0-9a-f-]+\)", container: main\)$/,
      )
      assert.match(
        await world.waiting('zero', reason),
        /^container's runAsUser breaks non-root policy \(pod: "zero_default\([0-9a-f-]+\)", container: main\)$/,
      )
    }),

    world.row(t, 'capabilities, seccomp and privilege escalation are as asked', async () => {
      const plain = await world.output('plain', STATUS)
      const capabilities = { drop: ['ALL'], add: ['NET_BIND_SERVICE'] }
      const seccompProfile = { type: 'RuntimeDefault' as const }
      const strict = await world.output(
        'strict',
        STATUS,
        {},
        {
          ...as({ capabilities, allowPrivilegeEscalation: false, seccompProfile }),
        },
      )
      const value = (text: string, name: string) => new RegExp(`^${name}:\\s+(\\w+)$`, 'm').exec(text)?.[1]
      assert.deepEqual(
        [plain, strict].map((text) => ['CapEff', 'NoNewPrivs', 'Seccomp'].map((name) => value(text, name))),
        [
          ['00000000a80425fb', '0', '0'],
          ['0000000000000400', '1', '2'],
        ],
      )
    }),

    world.row(t, 'a read-only root file system is one, and /proc is masked', async () => {
      const script = `
        touch /new 2>&1; touch /tmp/new 2>&1; ls -A /sys/firmware | grep -c .
        echo x > /proc/sys/kernel/hostname`
      const text = await world.output(
        'read-only',
        `{ ${script}; } 2>&1 || true`,
        {},
        as({ readOnlyRootFilesystem: true }),
      )
      assert.match(text, /^touch: \/new: Read-only file system\ntouch: \/tmp\/new: Read-only file system\n0\n/)
      assert.match(text, /can't create \/proc\/sys\/kernel\/hostname: Read-only file system\n$/)
    }),

    world.row(t, "a privileged container has the host's devices and powers", async () => {
      const script = `${STATUS}; [ -e /dev/loop-control ] || [ -e /dev/kmsg ] && echo devices`
      const text = await world.output('privileged', script, {}, as({ privileged: true }))
      assert.match(text, /devices/)
      const own = /^CapBnd:\s+(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
      assert.match(text, new RegExp(`^CapEff:\\s+${own}$`, 'm'))
    }),

    world.row(t, "a pod's kernel settings hold in its own namespace", async () => {
      const sysctls = [{ name: 'net.ipv4.ip_local_port_range', value: '40000 40100' }]
      const script = 'cat /proc/sys/net/ipv4/ip_local_port_range'
      assert.equal(await world.output('sysctls', script, { securityContext: { sysctls } }), '40000\t40100\n')
    }),

    world.row(t, 'a pod whose emptyDir or whose own files grow beyond their limit is evicted', async () => {
      const volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }]
      const volumeMounts = [{ name: 'v', mountPath: '/v' }]
      const script = 'dd if=/dev/zero of=/v/f bs=1024 count=3000; sleep 1000'
      await world.create('full-dir', script, { volumes }, { volumeMounts })
      const resources = { limits: { 'ephemeral-storage': '1Mi' } }
      await world.create('full-log', 'yes | head -c 3000000; sleep 1000', {}, { resources })
      const [dir, log] = [await world.ended('full-dir'), await world.ended('full-log')]
      assert.deepEqual(
        [dir, log].map((pod) => [pod?.status?.phase, pod?.status?.reason, pod?.status?.message]),
        [
          ['Failed', 'Evicted', 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '],
          ['Failed', 'Evicted', 'Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. '],
        ],
      )
    }),

    world.row(t, 'a pod that does not fit the node is refused', async () => {
      await world.create('too-large', 'true', {}, { resources: { requests: { cpu: '1000' } } })
      const pod = await world.ended('too-large')
      assert.equal(pod?.status?.reason, 'OutOfcpu')
      assert.match(
        pod?.status?.message ?? '',
        /^Pod was rejected: Node didn't have enough resource: cpu, requested: 1000000, used: \d+, capacity: \d+$/,
      )
      await world.create('elsewhere', 'true', { nodeSelector: { disk: 'none' } })
      const other = await world.ended('elsewhere')
      assert.equal(
        other?.status?.message,
        "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector",
      )
    }),

    world.row(t, 'an image is pulled, or not, as its policy says', async () => {
      // Nobody serves a registry there.
      const absent = '127.0.0.1:1/no/such:1'
      await world.create('never', 'true', {}, { image: absent, imagePullPolicy: 'Never' })
      await world.create('absent', 'true', {}, { image: absent, imagePullPolicy: 'IfNotPresent' })
      await world.create('always', 'true', {}, { imagePullPolicy: 'Always' })
      await world.create('unspeakable', 'true', {}, { image: 'UPPER:1' })
      assert.equal(
        await world.waiting('never', 'ErrImageNeverPull'),
        `Container image "${absent}" is not present with pull policy of Never`,
      )
      await node.until('absent', (p) =>
        /^(ErrImagePull|ImagePullBackOff)$/.test(statusOf(p)?.state?.waiting?.reason ?? ''),
      )
      const failed = await world.event('absent', (e) => e.message?.startsWith('Failed to pull') === true)
      assert.match(failed.message ?? '', /^Failed to pull image "127\.0\.0\.1:1\/no\/such:1": .*connection refused/)
      await world.event('always', (e) => e.message?.startsWith('Failed to pull') === true)
      await world.waiting('unspeakable', 'InvalidImageName')
      assert.equal(existsSync('/127.0.0.1:1'), false)
    }),
  ]
}
