// A process in a network namespace that answers on TCP and UDP with its name and who asked, and asks others when told to on its standard input.

import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'

const [name = 'peer', port = '8080'] = process.argv.slice(2)

const answer = (address: string | undefined): string => `${name} ${(address ?? '').replace('::ffff:', '')}`

const udp = createSocket('udp4')
udp.on('message', (_, from) => udp.send(answer(from.address), from.port, from.address))
udp.bind(Number(port), () => {
  createServer((socket) => {
    socket.on('error', () => {})
    socket.end(answer(socket.remoteAddress))
  }).listen(Number(port), '0.0.0.0', () => console.log('ready'))
})

/** Only so that a test fails instead of hanging when an answer is lost. */
const GIVE_UP_MS = 10_000
const never = (): Promise<never> =>
  new Promise((_, reject) => setTimeout(() => reject(new Error('no answer')), GIVE_UP_MS).unref())

/** One line in, one line out: `tcp 10.96.0.1 80` → `web 10.244.0.2`, or the error's code. */
createInterface({ input: process.stdin }).on('line', (line) => {
  const [protocol, host = '', at = '', from = '0'] = line.split(' ')
  const ask = protocol === 'udp' ? askUDP : askTCP
  Promise.race([ask(host, Number(at), Number(from)), never()]).then(
    (text) => console.log(text),
    (error: NodeJS.ErrnoException) => console.log(error.code ?? error.message),
  )
})

function askTCP(host: string, at: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(at, host)
    socket.on('data', (chunk) => {
      text += chunk.toString()
    })
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
}

/** A fixed source port makes a flow that the kernel knows again. */
function askUDP(host: string, at: number, from: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    const done = (act: () => void): void => {
      socket.close(act)
    }
    socket.on('error', (error) => done(() => reject(error)))
    socket.on('message', (text) => done(() => resolve(text.toString())))
    // Connected, so that an ICMP answer is an error here.
    socket.bind(from, () => socket.connect(at, host, () => socket.send('?')))
  })
}
