// kubectl port-forward: many connections at a time to a pod and to a service, whole in both directions.

import assert from 'node:assert/strict'
import { exchange, isTurnedAway, noise } from './bytes.ts'
import { allReady, IDLE, pod } from './pods.ts'
import type { Running, Session } from './session.ts'

const CONNECTIONS = 6
const BYTES = (1 << 20) + 333

async function portOf(forwarding: Running): Promise<number> {
  const [, port = ''] = await forwarding.says(/Forwarding from 127\.0\.0\.1:(\d+) ->/)
  return Number(port)
}

async function echoesAll(port: number): Promise<void> {
  const sent = Array.from({ length: CONNECTIONS }, () => noise(BYTES))
  const answers = await Promise.all(sent.map((bytes) => exchange(port, bytes)))
  for (const [index, answer] of answers.entries()) assert.ok(sent[index]?.equals(answer), `connection ${index}`)
}

export async function portForward({ apply, until, start, ok }: Session): Promise<void> {
  const labels = { app: 'echo' }
  await apply(
    pod(
      'echo',
      [
        { command: ['nc', '-ll', '-p', '7000', '-e', 'cat'], ports: [{ name: 'echo', containerPort: 7000 }] },
        { command: IDLE },
      ],
      {},
      { labels },
    ),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'echo' },
      spec: { selector: labels, ports: [{ port: 80, targetPort: 'echo' }] },
    },
  )
  await until('pod echo', allReady)
  // Ready says that the containers run; that the server listens is known from within.
  await ok([
    'exec',
    'echo',
    '-c',
    'c2',
    '--',
    'sh',
    '-c',
    'until nc -w 1 127.0.0.1 7000 </dev/null; do sleep 0.1; done',
  ])

  const toPod = start('port-forward pod/echo :7000')
  await echoesAll(await portOf(toPod))
  await toPod.stop()
  const toService = start('port-forward service/echo :80')
  await echoesAll(await portOf(toService))
  await toService.stop()

  const toNobody = start('port-forward pod/echo :9')
  assert.ok(await isTurnedAway(await portOf(toNobody)))
  await toNobody.says(/an error occurred forwarding \d+ -> 9: error forwarding port 9 to pod [\s\S]*connection refused/)
  await toNobody.stop()
}
