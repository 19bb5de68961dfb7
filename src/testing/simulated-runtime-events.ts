// Hands each event of a simulated runtime to every subscriber, each with a bounded buffer of its own.

import type { RuntimeEvent } from '../node/cri/cri.ts'

/** A subscriber this far behind is told to list again instead. */
export const MAX_BUFFERED_EVENTS = 1000

interface Subscriber {
  buffer: RuntimeEvent[]
  wake: () => void
}

export class EventFanOut {
  readonly #subscribers = new Set<Subscriber>()

  publish(event: RuntimeEvent): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.buffer.length >= MAX_BUFFERED_EVENTS) subscriber.buffer = [{ type: 'resync' }]
      else subscriber.buffer.push(event)
      subscriber.wake()
    }
  }

  /** Begins at the call, not at the first `next`. */
  subscribe(signal: AbortSignal): AsyncIterable<RuntimeEvent> {
    const subscriber: Subscriber = { buffer: [{ type: 'resync' }], wake: () => undefined }
    this.#subscribers.add(subscriber)
    return this.#read(subscriber, signal)
  }

  async *#read(subscriber: Subscriber, signal: AbortSignal): AsyncGenerator<RuntimeEvent, void, undefined> {
    const wake = (): void => subscriber.wake()
    signal.addEventListener('abort', wake, { once: true })
    try {
      while (!signal.aborted) {
        const event = subscriber.buffer.shift()
        if (event !== undefined) yield event
        else {
          await new Promise<void>((resolve) => {
            subscriber.wake = resolve
          })
        }
      }
    } finally {
      signal.removeEventListener('abort', wake)
      this.#subscribers.delete(subscriber)
    }
  }
}
