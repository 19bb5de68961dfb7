// Volumes as containers see them: files of the API, empty directories, the host's paths, parts of volumes, owners.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { configMaps } from '../../../src/api/core/config-map.ts'
import type { Container } from '../../../src/api/core/pod/container.ts'
import type { Volume } from '../../../src/api/core/pod/volumes.ts'
import { secrets } from '../../../src/api/core/secret.ts'
import { container, type World } from './world.ts'

const NAMESPACE = 'default'
const meta = (name: string) => ({ name, namespace: NAMESPACE })
type Mounts = NonNullable<Container['volumeMounts']>

async function objects({ node: { client } }: World, name: string, data: Record<string, string>): Promise<void> {
  const base64 = Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v).toString('base64')]))
  await client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(name), data })
  await client.create(secrets, { apiVersion: 'v1', kind: 'Secret', metadata: meta(name), data: base64 })
}

export function volumeRows(t: TestContext, world: World): Promise<void>[] {
  const { node } = world
  const { client } = node
  return [
    world.row(
      t,
      'configMaps and secrets come whole, by items, with modes, and may be missing where that is allowed',
      async () => {
        await objects(world, 'files', { a: 'text a\n', b: 'text b\n' })
        const volumes: Volume[] = [
          { name: 'whole', configMap: { name: 'files' } },
          { name: 'items', configMap: { name: 'files', items: [{ key: 'b', path: 'deep/er/b', mode: 0o400 }] } },
          { name: 'absent', configMap: { name: 'no-such', optional: true } },
          { name: 'lacking', secret: { secretName: 'files', optional: true, items: [{ key: 'no', path: 'no' }] } },
          { name: 'secret', secret: { secretName: 'files', defaultMode: 0o440 } },
        ]
        const volumeMounts: Mounts = volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` }))
        const script = `
        cat /v/whole/a /v/items/deep/er/b /v/secret/b
        stat -L -c %a /v/whole/a /v/items/deep/er/b /v/secret/a
        ls /v/items /v/absent /v/lacking
        stat -f -c %T /v/secret
        touch /v/whole/new 2>&1 || readlink /v/whole/a`
        assert.equal(
          await world.output('files', script, { volumes }, { volumeMounts }),
          [
            'text a\ntext b\ntext b',
            '644\n400\n440',
            '/v/absent:\n\n/v/items:\ndeep\n\n/v/lacking:',
            'tmpfs',
            'touch: /v/whole/new: Read-only file system',
            '..data/a\n',
          ].join('\n'),
        )
      },
    ),

    world.row(t, 'an update of a configMap and a secret reaches the files by the swap of one link', async () => {
      await objects(world, 'changing', { a: 'old', b: 'old' })
      const script = `
        cd /config; readlink ..data > /tmp/before
        until [ "$(cat a)" = new ]; do sleep 0.05; done
        # The directory of one version holds no file of another.
        cd "$(readlink -f ..data)"; cat a b; echo
        until [ "$(cat /secret/a)" = new ]; do sleep 0.05; done
        [ "$(cat /tmp/before)" = "$(readlink /config/..data)" ] || echo swapped`
      await world.create(
        'changing',
        script,
        {
          restartPolicy: 'Never',
          volumes: [
            { name: 'config', configMap: { name: 'changing' } },
            { name: 'secret', secret: { secretName: 'changing' } },
          ],
        },
        {
          volumeMounts: [
            { name: 'config', mountPath: '/config' },
            { name: 'secret', mountPath: '/secret' },
          ],
        },
      )
      await world.running('changing')
      const data = { a: 'new', b: 'new' }
      const base64 = { a: Buffer.from('new').toString('base64') }
      await client.patch(configMaps, meta('changing'), { type: 'merge', body: { data } })
      await client.patch(secrets, meta('changing'), { type: 'merge', body: { data: base64 } })
      await world.ended('changing')
      assert.equal(await world.log('changing'), 'newnew\nswapped\n')
    }),

    world.row(t, 'emptyDirs are shared between containers, and one in memory has the size it asks for', async () => {
      const volumes: Volume[] = [
        { name: 'disk', emptyDir: {} },
        { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      ]
      const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }))
      const script = `
        cat /disk/from-init; stat -c %a /disk; df -k /memory | tail -n 1 | { read -r type size rest; echo $type $size; }
        dd if=/dev/zero of=/memory/f bs=1024 count=2000 2>&1 | head -n 1`
      const initContainers = [container('init', 'echo made > /disk/from-init', { volumeMounts })]
      assert.equal(
        await world.output('empty', script, { volumes, initContainers }, { volumeMounts }),
        "made\n777\ntmpfs 1024\ndd: error writing '/memory/f': No space left on device\n",
      )
    }),

    world.row(t, "the host's paths are checked or made by their type", async () => {
      const root = join(node.runtime.directory, 'host')
      mkdirSync(join(root, 'dir'), { recursive: true })
      writeFileSync(join(root, 'file'), 'of the host\n')
      const socket = createServer().listen(join(root, 'socket'))
      try {
        const types = [
          ['dir', 'Directory'],
          ['made/deep', 'DirectoryOrCreate'],
          ['file', 'File'],
          ['new-file', 'FileOrCreate'],
          ['socket', 'Socket'],
        ] as const
        const volumes: Volume[] = types.map(([path, type], i) => ({
          name: `v${i}`,
          hostPath: { path: join(root, path), type },
        }))
        const volumeMounts: Mounts = volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` }))
        const script = 'cat /v/v2; echo x > /v/v3; touch /v/v0/from-pod; stat -c %F /v/v1 /v/v4'
        assert.equal(
          await world.output('host-paths', script, { volumes }, { volumeMounts }),
          'of the host\ndirectory\nsocket\n',
        )
        assert.deepEqual(
          ['dir/from-pod', 'made/deep', 'new-file'].map((path) => existsSync(join(root, path))),
          [true, true, true],
        )
      } finally {
        socket.close()
      }
    }),

    ...(
      [
        ['Directory', 'etc-file', 'a directory'],
        ['File', '', 'a file'],
        ['Socket', '', 'a socket file'],
        ['Directory', 'absent', 'a directory'],
      ] as const
    ).map(([type, path, what], i) =>
      world.row(t, `a hostPath of type ${type} that is none is refused (${i})`, async () => {
        const root = join(node.runtime.directory, 'refused')
        mkdirSync(root, { recursive: true })
        writeFileSync(join(root, 'etc-file'), '')
        const full = path === '' ? root : join(root, path)
        const volumes: Volume[] = [{ name: 'bad', hostPath: { path: full, type } }]
        await world.create(`refused-${i}`, 'true', { volumes })
        const { message } = await world.event(`refused-${i}`, ({ reason }) => reason === 'FailedMount')
        assert.equal(
          message,
          `MountVolume.SetUp failed for volume "bad" : hostPath type check failed: ${full} is not ${what}`,
        )
      }),
    ),

    world.row(t, 'a pod waits for a configMap that is not there, and starts when it comes', async () => {
      const volumes: Volume[] = [{ name: 'late', configMap: { name: 'late' } }]
      await world.create(
        'late',
        'cat /late/a',
        { volumes, restartPolicy: 'Never' },
        {
          volumeMounts: [{ name: 'late', mountPath: '/late' }],
        },
      )
      const { message } = await world.event('late', ({ reason }) => reason === 'FailedMount')
      assert.equal(message, 'MountVolume.SetUp failed for volume "late" : configmap "late" not found')
      await objects(world, 'late', { a: 'here' })
      await world.ended('late')
      assert.equal(await world.log('late'), 'here')
    }),

    world.row(
      t,
      'a projected volume joins a token, a configMap, a secret and what the pod says of itself',
      async () => {
        await objects(world, 'joined', { c: 'config', s: 'secret' })
        const sources = [
          { serviceAccountToken: { path: 'token', audience: 'me', expirationSeconds: 600 } },
          { configMap: { name: 'joined', items: [{ key: 'c', path: 'c' }] } },
          { secret: { name: 'joined', items: [{ key: 's', path: 'sub/s' }] } },
          { downwardAPI: { items: [{ path: 'name', fieldRef: { fieldPath: 'metadata.name' } }] } },
        ]
        const volumes: Volume[] = [{ name: 'all', projected: { sources } }]
        const volumeMounts: Mounts = [{ name: 'all', mountPath: '/all' }]
        const script = 'cd /all; for f in c sub/s name; do cat $f; echo; done; cat token'
        const text = await world.output('joined', script, { volumes }, { volumeMounts })
        const [config, secret, name, token = ''] = text.split('\n')
        assert.deepEqual([config, secret, name], ['config', 'secret', 'joined'])
        const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
        assert.deepEqual([claims.aud, claims['kubernetes.io'].pod.name], [['me'], 'joined'])
      },
    ),

    world.row(t, 'the downward API tells fields and resources in files', async () => {
      const item = (path: string, resource: string, divisor: string) => ({
        path,
        resourceFieldRef: { containerName: 'main', resource, divisor },
      })
      const items = [
        { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
        { path: 'one', fieldRef: { fieldPath: "metadata.labels['app']" } },
        item('cpu', 'limits.cpu', '1m'),
        item('memory', 'requests.memory', '1Mi'),
      ]
      await world.createPod(
        'downward',
        {
          restartPolicy: 'Never',
          volumes: [{ name: 'd', downwardAPI: { items } }],
          containers: [
            container('main', 'cd /d; for f in labels one cpu memory; do cat $f; echo; done', {
              volumeMounts: [{ name: 'd', mountPath: '/d' }],
              resources: { limits: { cpu: '250m', memory: '32Mi' } },
            }),
          ],
        },
        { labels: { app: 'x', z: 'y' } },
      )
      await world.ended('downward')
      assert.equal(await world.log('downward'), 'app="x"\nz="y"\nx\n250\n32\n')
    }),

    world.row(
      t,
      'a part of a volume is mounted by name and by expression, and read-only where it is asked',
      async () => {
        const volumes: Volume[] = [{ name: 'v', emptyDir: {} }]
        const initContainers = [
          container('init', 'mkdir /v/dir; echo file > /v/dir/f; echo one > /v/single', {
            volumeMounts: [{ name: 'v', mountPath: '/v' }],
          }),
        ]
        const volumeMounts: Mounts = [
          { name: 'v', mountPath: '/dir', subPath: 'dir', readOnly: true },
          { name: 'v', mountPath: '/etc/single', subPath: 'single' },
          { name: 'v', mountPath: '/own', subPathExpr: 'logs/$(POD)' },
          { name: 'v', mountPath: '/v' },
        ]
        const env = [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }]
        const script = `
        cat /dir/f /etc/single; touch /dir/new 2>&1; echo two > /etc/single; cat /v/single
        touch /own/mine; ls /v/logs/parts`
        assert.equal(
          await world.output('parts', `${script}`, { volumes, initContainers }, { volumeMounts, env }),
          'file\none\ntouch: /dir/new: Read-only file system\ntwo\nmine\n',
        )
      },
    ),

    world.row(t, 'a link that a container laid in its volume does not lead a subPath to the host', async () => {
      const volumes: Volume[] = [{ name: 'v', emptyDir: {} }]
      const mount = (subPath: string): Mounts => [{ name: 'v', mountPath: '/host', subPath }]
      const initContainers = [
        container('init', 'ln -s /etc /v/absolute; ln -s ../../../../.. /v/relative; mkdir /v/in; ln -s in /v/link', {
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        }),
      ]
      const containers = ['absolute', 'relative', 'relative/etc'].map((path, i) =>
        container(`c${i}`, 'ls /host; sleep 1000', { volumeMounts: mount(path) }),
      )
      const good = container('good', 'sleep 1000', { volumeMounts: mount('link') })
      await world.createPod('attack', {
        terminationGracePeriodSeconds: 1,
        volumes,
        initContainers,
        containers: [...containers, good],
      })
      for (const [i] of containers.entries())
        assert.equal(
          await world.waiting('attack', 'CreateContainerConfigError', `c${i}`),
          `failed to prepare subPath for volumeMount "v" of container "c${i}"`,
        )
      await world.running('attack', 'good')
    }),

    world.row(t, "volumes are the pod's group's, and a token its user's", async () => {
      await objects(world, 'owned', { a: 'x' })
      const volumes: Volume[] = [
        { name: 'empty', emptyDir: {} },
        { name: 'secret', secret: { secretName: 'owned', defaultMode: 0o400 } },
        { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
      ]
      const volumeMounts: Mounts = volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` }))
      const script = `
        stat -c '%g %a' /v/empty; stat -L -c '%g %a' /v/secret/a; stat -L -c '%u %g %a' /v/token/token
        touch /v/empty/mine && stat -c '%u %g' /v/empty/mine; id -G; cat /v/secret/a; head -c 2 /v/token/token`
      const securityContext = { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000 }
      assert.equal(
        await world.output('owned', script, { volumes, securityContext }, { volumeMounts }),
        '2000 2777\n2000 440\n1000 2000 640\n1000 2000\n1000 2000\nxey',
      )
    }),
  ]
}
