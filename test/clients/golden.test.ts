import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { KUBECTL_VERSIONS } from '../../src/testing/kubectl.ts'
import { playAnew, SESSIONS } from './golden.ts'
import { goldenPath } from './transcript.ts'

for (const version of KUBECTL_VERSIONS) {
  describe(`kubectl ${version} says what it says of Kubernetes`, { concurrency: 2 }, () => {
    for (const { name, versions } of SESSIONS) {
      if (!versions.includes(version)) continue
      test(name, async () => {
        assert.equal(await playAnew(name, version), readFileSync(goldenPath(name, version), 'utf8'))
      })
    }
  })
}
