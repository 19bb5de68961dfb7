// The client's side of a WebSocket for tests, written out by hand: masked frames there, channels back.
import type { Duplex } from 'node:stream'

const OPCODE = { text: 1, binary: 2, close: 8 } as const
const MASK = Buffer.from([0x21, 0x43, 0x65, 0x87])

export interface Heard {
  /** The answer to the handshake. */
  readonly head: string
  /** What came, by channel. */
  readonly channels: Readonly<Record<number, string>>
  /** The code of the close frame. */
  readonly closed: number | undefined
}

export class WebSocketPeer {
  readonly ended: Promise<Heard>
  readonly #transport: Duplex
  readonly #base64: boolean
  readonly #channels: Record<number, string> = {}
  #bytes = Buffer.alloc(0)
  #head: string | undefined
  #closed: number | undefined

  constructor(transport: Duplex, base64: boolean) {
    this.#transport = transport
    this.#base64 = base64
    transport.on('data', (chunk: Buffer) => this.#read(chunk))
    const { promise, resolve } = Promise.withResolvers<Heard>()
    transport.on('end', () => {
      transport.end()
      resolve({ head: this.#head ?? '', channels: this.#channels, closed: this.#closed })
    })
    this.ended = promise
  }

  send(channel: number, payload: string): void {
    if (this.#base64) this.#frame(OPCODE.text, Buffer.from(`${channel}${Buffer.from(payload).toString('base64')}`))
    else this.#frame(OPCODE.binary, Buffer.concat([Buffer.from([channel]), Buffer.from(payload)]))
  }

  #frame(opcode: number, payload: Buffer): void {
    const masked = payload.map((byte, index) => byte ^ (MASK[index % 4] ?? 0))
    this.#transport.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), MASK, masked]))
  }

  #read(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    if (this.#head === undefined) {
      const end = this.#bytes.indexOf('\r\n\r\n')
      if (end < 0) return
      this.#head = this.#bytes.toString('latin1', 0, end + 4)
      this.#bytes = this.#bytes.subarray(end + 4)
    }
    for (;;) {
      const short = (this.#bytes[1] ?? 0) & 0x7f
      const [from, length] = short === 126 ? [4, this.#bytes.length < 4 ? 0 : this.#bytes.readUInt16BE(2)] : [2, short]
      if (this.#bytes.length < from + length || this.#bytes.length < 2) return
      this.#take((this.#bytes[0] ?? 0) & 0x0f, this.#bytes.subarray(from, from + length))
      this.#bytes = this.#bytes.subarray(from + length)
    }
  }

  #take(opcode: number, payload: Buffer): void {
    if (opcode === OPCODE.close) {
      this.#closed = payload.readUInt16BE(0)
      this.#frame(OPCODE.close, payload)
      return
    }
    const first = payload[0] ?? 0
    const channel = this.#base64 ? first - 0x30 : first
    const text = this.#base64 ? Buffer.from(payload.toString('latin1', 1), 'base64') : payload.subarray(1)
    this.#channels[channel] = (this.#channels[channel] ?? '') + text.toString()
  }
}
