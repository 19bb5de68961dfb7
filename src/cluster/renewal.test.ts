// Two years in virtual time: certificates are always far from their end, also when the server is away for a while.

import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { silentLogger } from '../base/log.ts'
import { hasTimeLeft } from '../base/node/certificates.ts'
import { systemRandom } from '../base/random.ts'
import { VirtualClock } from '../testing/virtual-clock.ts'
import { ensureServerPki } from './pki.ts'
import { startRenewal } from './renewal.ts'

const DAY_MS = 24 * 3600 * 1000

test('a serving certificate is renewed when a third of its time is left, and never more often', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-renewal-'))
  try {
    const clock = new VirtualClock()
    const issue = () => ensureServerPki(directory, ['10.96.0.1'], { clock, random: systemRandom })
    let served = issue().serving.certificate
    const renewals: number[] = []
    const begin = clock.now()
    using _renewal = startRenewal({
      clock,
      log: silentLogger,
      what: 'server',
      isDue: () => !hasTimeLeft(new X509Certificate(served), clock),
      renew() {
        served = issue().serving.certificate
        renewals.push(Math.round((clock.now() - begin) / DAY_MS))
      },
    })
    for (let day = 0; day < 730; day += 5) {
      await clock.advance(5 * DAY_MS)
      const leftMs = new X509Certificate(served).validToDate.getTime() - clock.now()
      assert.ok(leftMs > 120 * DAY_MS, `day ${day}: ${leftMs / DAY_MS} days are left`)
    }
    assert.deepEqual(renewals, [244, 487])
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('a renewal that fails is tried again after ten minutes, and after disposal nothing happens any more', async () => {
  const clock = new VirtualClock()
  const tries: number[] = []
  const begin = clock.now()
  const renewal = startRenewal({
    clock,
    log: silentLogger,
    what: 'node',
    isDue: () => tries.length < 3,
    renew() {
      tries.push((clock.now() - begin) / 60_000)
      if (tries.length < 3) throw new Error('the server is away')
    },
  })
  await clock.advance(2 * DAY_MS)
  assert.deepEqual(tries, [720, 730, 740])
  renewal[Symbol.dispose]()
  assert.equal(clock.waiting, 0)
})
