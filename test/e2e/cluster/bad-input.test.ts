// What a machine or a person can get wrong: each is one line with its remedy, and nothing half-made is left.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { DROVER, freePort, makePlace, type Outcome, type Place } from './fixture.ts'
import { NOTHING, traces } from './host-traces.ts'

/** One message and one remedy, no stack, and neither directories nor processes nor anything in the kernel. */
function assertRefused(
  place: Place,
  { code, err }: Outcome,
  want: { code: number; message: RegExp; remedy: RegExp },
): void {
  const [message = '', remedy = '', ...rest] = err.split('\n').filter((line) => !/^ [•✓✗] /.test(line))
  assert.match(message, want.message)
  assert.match(remedy, want.remedy)
  assert.deepEqual(rest, [''], 'nothing more is said')
  assert.equal(code, want.code)
  assert.deepEqual(traces({ marks: [place.data, place.run, 'drover-e2e-bad'] }), NOTHING)
  for (const directory of [place.data, place.run])
    assert.deepEqual(existsSync(directory) ? readdirSync(directory) : [], [])
}

test('a bad name, a bad file and networks that are taken', async () => {
  using place = makePlace()
  const up = (...args: string[]): Outcome => place.drover('up', '-p', '1', ...args)
  assertRefused(place, up('-n', 'Not A Name'), {
    code: 2,
    message: /^drover: "Not A Name" is not a name for a cluster$/,
    remedy: /use at most 40 small letters/,
  })
  assertRefused(place, up('-c', '/no/such'), {
    code: 1,
    message: /^drover: Cannot read the configuration "\/no\/such": there is no such file$/,
    remedy: /name a file/,
  })
  const file = join(place.data, '..', 'cluster.yaml')
  writeFileSync(file, 'apiVersion: drover.dev/v1alpha1\nkind: Cluster\nnodse: 3\n')
  assertRefused(place, up('-c', file), { code: 2, message: /unknown fields: nodse$/, remedy: /write apiVersion/ })
  writeFileSync(
    file,
    'apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nname: e2e-bad\nnetworking: {podSubnet: 127.0.0.0/16}\n',
  )
  assertRefused(place, place.drover('up', '-p', await freePort(), '-c', file), {
    code: 1,
    message: /^drover: The network 127.0.0.0\/16 meets 127.0.0.1\/8 of interface lo$/,
    remedy: /name another one/,
  })
})

test('a missing Debian package', () => {
  using place = makePlace()
  const nft = ['/usr/sbin/nft', '/sbin/nft'].find((path) => existsSync(path)) ?? ''
  const empty = join(place.data, '..', 'empty')
  writeFileSync(empty, '', { mode: 0o644 })
  const { status, stderr } = upWithout(place, nft, empty)
  assertRefused(
    place,
    { code: status, out: '', err: stderr },
    { code: 1, message: /^drover: This machine lacks: program nft$/, remedy: /^ {8}apt-get install nftables$/ },
  )
})

/** Runs `up` in a mount namespace in which a program is covered by a file that cannot be run. */
function upWithout(place: Place, program: string, empty: string): { status: number; stderr: string } {
  const env = { ...process.env, DROVER_DATA: place.data, DROVER_RUN: place.run, KUBECONFIG: place.kubeconfig }
  try {
    execFileSync(
      'unshare',
      ['--mount', 'sh', '-c', 'mount --bind "$1" "$2" && exec "$3" up -n e2e-bad', 'sh', empty, program, DROVER],
      { env, encoding: 'utf8', stdio: 'pipe' },
    )
    return { status: 0, stderr: '' }
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string }
    return { status, stderr }
  }
}

test('no root', () => {
  using place = makePlace({ enter: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] })
  const { code, err } = place.drover('up', '-n', 'e2e-bad')
  assert.equal(err, 'drover: This needs root\n        run it as root: sudo drover …\n')
  assert.equal(code, 1)
})

test('a data directory of another cluster, with files of somebody else, or in another place than before', async () => {
  using place = makePlace()
  const elsewhere = join(place.data, '..', 'elsewhere')
  place.must('up', '-n', 'e2e-own', '--no-node', '--store', 'memory', '-p', await freePort(), '--data-dir', elsewhere)
  const other = place.drover('up', '-n', 'e2e-bad', '--no-node', '-p', await freePort(), '--data-dir', elsewhere)
  assert.match(
    other.err,
    /^drover: ".*elsewhere" holds the data of cluster "e2e-own"\n {8}start that one .*or name an empty directory\n$/,
  )
  assert.equal(other.code, 1)
  assert.equal(existsSync(join(place.data, 'e2e-bad')), false)
  assert.equal(place.drover('status', '-n', 'e2e-own').code, 0)

  // The link was lost: the same cluster is found again in its directory, with its port.
  place.must('stop', '-n', 'e2e-own')
  rmSync(join(place.data, 'e2e-own'))
  place.must('up', '-n', 'e2e-own', '--data-dir', elsewhere)
  place.must('down', '-n', 'e2e-own')

  mkdirSync(join(elsewhere, 'images'), { recursive: true })
  const foreign = place.drover('up', '-n', 'e2e-bad', '--no-node', '-p', await freePort(), '--data-dir', elsewhere)
  assertRefused(place, foreign, {
    code: 1,
    message: /^drover: ".*elsewhere" is in use: it has "images" in it$/,
    remedy: /name an empty directory/,
  })
  assert.equal(existsSync(join(elsewhere, 'images')), true)
})

test('a full disk', async () => {
  using place = makePlace()
  const disk = join(place.data, '..', 'disk')
  mkdirSync(disk)
  // From nothing at all to almost enough: it fails in another place each time.
  for (const size of ['4k', '64k', '300k']) {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'none', disk])
    try {
      writeFileSync(join(disk, 'fill'), Buffer.alloc(4096))
      const outcome = place.drover('up', '-n', 'e2e-bad', '-p', await freePort(), '--data-dir', disk)
      assert.match(outcome.err, /disk .*is full|no space left|ENOSPC/i, `with ${size}`)
      assert.doesNotMatch(outcome.err, /\n\s+at /)
      assert.equal(outcome.code, 1)
      assert.deepEqual(readdirSync(disk), ['fill'], `with ${size}`)
      assert.deepEqual(traces({ marks: [place.run, 'drover-e2e-bad'] }), NOTHING)
    } finally {
      execFileSync('umount', [disk])
    }
  }
})
