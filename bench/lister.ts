// Lists in a loop, in a thread of its own, and tells of every list that it has taken whole. Started by `bench/scale.ts`.

import { Agent, request } from 'node:https'
import { parentPort, workerData } from 'node:worker_threads'

const { url, tls } = workerData as { url: string; tls: { ca: string; cert: string; key: string } }
const agent = new Agent({ keepAlive: true, ...tls })
let lists = 0

function list(): void {
  const sent = request(url, { agent }, (response) => {
    let bytes = 0
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    response.on('end', () => {
      parentPort?.postMessage({ lists: ++lists, bytes })
      list()
    })
  })
  sent.end()
}

list()
