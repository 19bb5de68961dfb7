// Clusters that `drover up` makes on an etcd: each below a prefix of its own, the same again after a restart, saved from where their objects are.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startEtcd } from '../../../src/testing/etcd.ts'
import { freePort, makePlace } from './fixture.ts'

test('two clusters share an etcd and nothing else; one that was stopped finds its objects again', async () => {
  await using etcd = await startEtcd()
  using place = makePlace()
  const store = ['--store', `etcd=${etcd.endpoint}`]
  for (const name of ['e2e-x', 'e2e-y']) place.must('up', '-n', name, '--no-node', '-p', await freePort(), ...store)
  const kubectl = (name: string, ...args: string[]): string => place.must('kubectl', '--cluster', name, ...args)
  kubectl('e2e-x', 'create', 'service', 'clusterip', 'web', '--tcp=80')
  const services = (name: string): string => kubectl(name, 'get', 'services', '-o', 'name').trim().replaceAll('\n', ' ')
  assert.equal(services('e2e-x'), 'service/kubernetes service/web')
  assert.equal(services('e2e-y'), 'service/kubernetes')
  assert.match(kubectl('e2e-x', 'get', 'servicecidr'), /^NAME +CIDRS +AGE\nkubernetes +10\.\S+\/16 /)
  assert.match(
    kubectl('e2e-x', 'get', 'ipaddress'),
    /^NAME +PARENTREF\n10\.\S+ +services\/default\/kubernetes\n10\.\S+ +services\/default\/web\n$/,
  )

  place.must('stop', 'e2e-x')
  const file = join(place.data, 'saved')
  place.must('snapshot', 'save', file, '-n', 'e2e-x')
  place.must('up', '-n', 'e2e-x')
  assert.equal(services('e2e-x'), 'service/kubernetes service/web')
  const other = place.drover('up', '-n', 'e2e-x', ...store, '--etcd-prefix', '/drover-e2e-y')
  assert.deepEqual([other.code, other.err.includes('--etcd-prefix /drover-e2e-x, not /drover-e2e-y')], [1, true])

  const gone = place.drover('down', 'e2e-x')
  assert.match(gone.err, /still in etcd; delete them: etcdctl del --prefix \/drover-e2e-x\/\n/)
  assert.equal(services('e2e-y'), 'service/kubernetes')
})
