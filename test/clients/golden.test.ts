import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { KUBECTL_VERSIONS } from '../../src/testing/kubectl.ts'
import { serveCluster } from './server.ts'
import { SESSIONS, openSession } from './golden.ts'
import { goldenPath, play } from './transcript.ts'

for (const version of KUBECTL_VERSIONS) {
  describe(`kubectl ${version} says what it says of Kubernetes`, { concurrency: 2 }, () => {
    for (const { name, versions } of SESSIONS) {
      if (!versions.includes(version)) continue
      test(name, async () => {
        await using cluster = await serveCluster()
        await using _controllers = openSession(name, cluster)
        assert.equal(await play(name, version, cluster), readFileSync(goldenPath(name, version), 'utf8'))
      })
    }
  })
}
