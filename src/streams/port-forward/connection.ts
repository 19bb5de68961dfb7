// One forwarded connection, and the queue of those a client opened.
import type { Duplex } from 'node:stream'

export interface PortForwardConnection {
  port: number
  data: Duplex
  /** Tells the client why the connection cannot be served, and ends it. */
  fail(message: string): void
}

export function parsePort(text: string | null | undefined): number | undefined {
  if (!text || !/^[0-9]{1,5}$/.test(text)) return undefined
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? port : undefined
}

/** Bounded by the streams of its session: a connection is two of them. */
export class ConnectionQueue implements AsyncIterable<PortForwardConnection> {
  readonly #waiting: PortForwardConnection[] = []
  #ended = false
  #wake: () => void = () => {}

  push(connection: PortForwardConnection): void {
    this.#waiting.push(connection)
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<PortForwardConnection, void> {
    for (;;) {
      const next = this.#waiting.shift()
      if (next !== undefined) yield next
      else if (this.#ended) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }
}
