// A SPDY/3.1 session over any Duplex, as client or as server, and the streams it carries.
import { Duplex } from 'node:stream'
import { encodeFrame, type Frame, FrameDecoder, RST, SpdyError } from './frames.ts'
import { HeaderDecoder, HeaderEncoder, type Headers } from './header-block.ts'

export const MAX_STREAMS = 4096
/** How much all streams together may hold unread before the session stops reading, so that a slow one does not stall its neighbours at once. Go's spdystream sends no WINDOW_UPDATE and heeds none, so TCP is the only brake. */
export const MAX_UNREAD_BYTES = 8 << 20
const MAX_DATA_BYTES = 32 << 10

export interface SpdySessionOptions {
  role: 'client' | 'server'
  /** Called for each stream the peer opens; `false` refuses it. */
  accept?: (stream: SpdyStream) => boolean
}

/** What a stream needs from its session. */
interface Wire {
  send(frame: Exclude<Frame, { type: 'unknown' }>, done?: (error?: Error | null) => void): void
  wanted(stream: SpdyStream): void
  forget(stream: SpdyStream): void
}

/** One stream. `end()` half-closes it, `destroy()` resets it. */
export class SpdyStream extends Duplex {
  readonly id: number
  readonly headers: Headers
  /** Settles once the peer replied to a stream we opened. */
  readonly replied: Promise<void>
  readonly #reply = Promise.withResolvers<void>()
  readonly #wire: Wire
  #localDone = false
  #remoteDone = false
  #reset = false

  constructor(id: number, headers: Headers, wire: Wire) {
    super({ allowHalfOpen: true })
    this.id = id
    this.headers = headers
    this.#wire = wire
    this.replied = this.#reply.promise
    // A reset before the reply is also an 'error' event: the promise alone must not bring the process down.
    this.replied.catch(() => {})
  }

  header(name: string): string | undefined {
    return this.headers.get(name.toLowerCase())?.[0]
  }

  override _read(): void {
    this.#wire.wanted(this)
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // The peer is gone or wants no more: failing here would throw away what it sent and nobody read yet.
    if (this.#reset) {
      done()
      return
    }
    let at = 0
    for (; chunk.length - at > MAX_DATA_BYTES; at += MAX_DATA_BYTES) {
      this.#wire.send({ type: 'data', streamId: this.id, fin: false, data: chunk.subarray(at, at + MAX_DATA_BYTES) })
    }
    this.#wire.send({ type: 'data', streamId: this.id, fin: false, data: chunk.subarray(at) }, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#localDone = true
    if (this.#reset) done()
    else this.#wire.send({ type: 'data', streamId: this.id, fin: true, data: Buffer.alloc(0) }, done)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#reset && !(this.#localDone && this.#remoteDone)) {
      this.#wire.send({ type: 'rst-stream', streamId: this.id, status: RST.cancel })
    }
    this.#reply.reject(error ?? new SpdyError(`stream ${this.id} is closed`))
    this.#wire.forget(this)
    done(error)
  }

  /** For the session: bytes or the end came in. */
  receive(data: Buffer, fin: boolean): void {
    if (this.#remoteDone || this.destroyed) return
    if (data.length > 0) this.push(data)
    if (fin) {
      this.#remoteDone = true
      this.push(null)
    }
  }

  /** For the session: the peer accepted the stream. */
  accepted(): void {
    this.#reply.resolve()
  }

  /**
   * For the session: the stream is gone, nothing is to be sent about it. What came before stays readable: Go's servers
   * write their last bytes and reset at once; a `cancel` is their way to say the end.
   */
  lost(error: Error, { cancelled = false } = {}): void {
    if (this.#reset) return
    this.#reset = true
    this.#reply.reject(error)
    this.#wire.forget(this)
    if (!cancelled && this.readableLength === 0 && !this.#remoteDone) {
      this.destroy(this.listenerCount('error') > 0 ? error : undefined)
      return
    }
    this.once('end', () => this.destroy(!cancelled && this.listenerCount('error') > 0 ? error : undefined))
    if (!this.#remoteDone) this.push(null)
    this.#remoteDone = true
    if (this.readableEnded) this.destroy()
  }
}

export class SpdySession {
  /** Settles when the transport is closed; never rejects. */
  readonly closed: Promise<void>
  readonly #transport: Duplex
  readonly #accept: (stream: SpdyStream) => boolean
  readonly #decoder = new FrameDecoder()
  readonly #headersIn = new HeaderDecoder()
  readonly #headersOut = new HeaderEncoder()
  readonly #streams = new Map<number, SpdyStream>()
  #paused = false
  readonly #peerParity: number
  #nextId: number
  #lastPeerId = 0
  #ending = false
  readonly #wire: Wire = {
    send: (frame, done) => this.#send(frame, done),
    wanted: () => this.#drained(),
    forget: (stream) => {
      this.#streams.delete(stream.id)
      this.#drained()
    },
  }

  constructor(transport: Duplex, { role, accept = () => false }: SpdySessionOptions) {
    this.#transport = transport
    this.#accept = accept
    this.#nextId = role === 'client' ? 1 : 2
    this.#peerParity = role === 'client' ? 0 : 1
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    transport.on('data', (chunk: Buffer) => this.#receive(chunk))
    transport.on('end', () => transport.destroy())
    transport.on('error', () => transport.destroy())
    transport.on('close', () => {
      this.#ending = true
      for (const stream of [...this.#streams.values()]) stream.lost(new SpdyError('connection closed'))
      resolve()
    })
  }

  /** Opens a stream and waits for the peer's reply. */
  async open(headers: Headers): Promise<SpdyStream> {
    if (this.#ending) throw new SpdyError('the session is closing')
    if (this.#streams.size >= MAX_STREAMS) throw new SpdyError(`over ${MAX_STREAMS} streams`)
    const stream = new SpdyStream(this.#nextId, headers, this.#wire)
    this.#nextId += 2
    this.#streams.set(stream.id, stream)
    const block = this.#headersOut.encode(headers)
    this.#send({ type: 'syn-stream', streamId: stream.id, fin: false, unidirectional: false, priority: 0, block })
    await stream.replied
    return stream
  }

  /** Says goodbye and closes the transport once what was written has left. */
  close(status = 0): void {
    if (this.#ending) return
    this.#send({ type: 'goaway', lastStreamId: this.#lastPeerId, status })
    this.#ending = true
    this.#transport.end()
    // Unread bytes would turn the close into a TCP reset, which could overtake what was just written.
    this.#transport.resume()
    for (const stream of [...this.#streams.values()]) stream.lost(new SpdyError('session closed'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    this.#transport.destroy()
    await this.closed
  }

  #send(frame: Exclude<Frame, { type: 'unknown' }>, done?: (error?: Error | null) => void): void {
    if (this.#ending || this.#transport.destroyed) {
      done?.(new SpdyError('connection closed'))
      return
    }
    this.#transport.write(encodeFrame(frame), done)
  }

  #unread(): number {
    let sum = 0
    for (const stream of this.#streams.values()) sum += stream.readableLength
    return sum
  }

  #drained(): void {
    if (!this.#paused || this.#unread() >= MAX_UNREAD_BYTES) return
    this.#paused = false
    this.#transport.resume()
  }

  #receive(chunk: Buffer): void {
    if (this.#ending) return
    try {
      for (const frame of this.#decoder.push(chunk)) this.#handle(frame)
      if (this.#unread() >= MAX_UNREAD_BYTES) {
        this.#paused = true
        this.#transport.pause()
      }
    } catch (error) {
      if (!(error instanceof SpdyError)) throw error
      this.close(1)
      this.#transport.destroy()
    }
  }

  #handle(frame: Frame): void {
    switch (frame.type) {
      case 'data':
        this.#streams.get(frame.streamId)?.receive(frame.data, frame.fin)
        return
      case 'syn-stream':
        this.#opened(frame.streamId, this.#headersIn.decode(frame.block), frame.fin)
        return
      case 'syn-reply':
      case 'headers': {
        // Decoded even for an unknown stream: the compression state is shared by all of them.
        this.#headersIn.decode(frame.block)
        const stream = this.#streams.get(frame.streamId)
        if (frame.type === 'syn-reply') stream?.accepted()
        if (frame.fin) stream?.receive(Buffer.alloc(0), true)
        return
      }
      case 'rst-stream':
        this.#streams
          .get(frame.streamId)
          ?.lost(new SpdyError(`stream ${frame.streamId} was reset (status ${frame.status})`), {
            cancelled: frame.status === RST.cancel,
          })
        return
      case 'ping':
        if (frame.id % 2 === this.#peerParity) this.#send(frame)
        return
      default:
        // GOAWAY ends with the peer closing the connection; the rest asks nothing of us.
        return
    }
  }

  #opened(id: number, headers: Headers, fin: boolean): void {
    if (id % 2 !== this.#peerParity || id <= this.#lastPeerId) throw new SpdyError(`peer may not open stream ${id}`)
    this.#lastPeerId = id
    if (this.#streams.size >= MAX_STREAMS) {
      this.#send({ type: 'rst-stream', streamId: id, status: RST.refusedStream })
      return
    }
    const stream = new SpdyStream(id, headers, this.#wire)
    this.#streams.set(id, stream)
    if (!this.#accept(stream)) {
      this.#send({ type: 'rst-stream', streamId: id, status: RST.refusedStream })
      stream.lost(new SpdyError('refused'))
      return
    }
    this.#send({ type: 'syn-reply', streamId: id, fin: false, block: this.#headersOut.encode(new Map()) })
    if (fin) stream.receive(Buffer.alloc(0), true)
  }
}
