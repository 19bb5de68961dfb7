import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { KUBECTL_VERSIONS } from '../../src/testing/kubectl.ts'
import { type ServedCluster, serveCluster } from './server.ts'

/** kubectl 1.20 takes plain names only, and reads the large document of OpenAPI v2 for each: some kinds of every group will do. */
const SOME = ['pods', 'jobs', 'horizontalpodautoscalers', 'ingresses', 'storageclasses', 'apiservices', 'roles']
const AT_ONCE = 4

describe('kubectl explain --recursive', () => {
  let cluster: ServedCluster | undefined
  before(async () => {
    cluster = await serveCluster()
  })
  after(() => cluster?.[Symbol.asyncDispose]())

  for (const version of KUBECTL_VERSIONS) {
    test(`tells every field of a kind, to ${version}`, async () => {
      if (!cluster) throw new Error('The server is not started')
      const kubectl = await cluster.kubectl(version)
      const { stdout } = await kubectl(['api-resources', '-o', 'name'])
      const all = [...new Set(stdout.trim().split('\n'))]
      assert.ok(all.length > 60, `only ${all.length} kinds`)
      const queue = version === '1.20' ? [...SOME] : all
      const explain = async (): Promise<void> => {
        for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
          // kubectl takes the group's name for fields of the older kind of this name.
          const words = name === 'events.events.k8s.io' ? ['--api-version=events.k8s.io/v1', 'events'] : [name]
          const said = await kubectl(['explain', '--recursive', ...words])
          assert.equal(said.code, 0, `${name}: ${said.stderr}`)
          assert.match(said.stdout, /^ +metadata\t<(ObjectMeta|Object)>/m, name)
          // The metadata's own fields, and at least one of the kind's.
          assert.match(said.stdout, /^ +managedFields\t/m, name)
          assert.doesNotMatch(said.stdout, /^FIELDS:\s+$/m, name)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, explain))
    })
  }
})
