// A real containerd conforms to the contract that pod logic is tested against.

import { test } from 'node:test'
import { runtimeConformance } from '../../../src/testing/runtime-conformance.ts'
import { BUSYBOX, Fixture } from './fixture.ts'

test('CriClient with containerd is a conforming runtime', async (t) => {
  const fixture = new Fixture(t)
  const { socket } = await fixture.start()
  await fixture.importImages(socket)
  await using client = fixture.client(socket)
  await runtimeConformance(t, { client, image: BUSYBOX, sandboxConfig: (name) => fixture.sandboxConfig(name) })
})
