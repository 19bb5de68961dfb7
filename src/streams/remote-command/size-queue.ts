// The terminal sizes a client sent, of which only the newest unread one matters.
import { MAX_RESIZE_BYTES, parseSize, type TerminalSize } from './session.ts'

export class SizeQueue implements AsyncIterable<TerminalSize> {
  #text = ''
  #latest: TerminalSize | undefined
  #ended = false
  #wake: () => void = () => {}

  /** Text of newline-separated (or single) JSON objects, in any chunking. */
  push(text: string): void {
    // Before it is read, and not after: only the newest size counts, and every brace of a megabyte would be tried as the end of one.
    this.#text = (this.#text + text).slice(-MAX_RESIZE_BYTES)
    let end = this.#text.indexOf('}')
    for (; end >= 0; end = this.#text.indexOf('}')) {
      const size = parseSize(this.#text.slice(0, end + 1))
      if (size !== undefined) this.#latest = size
      this.#text = this.#text.slice(end + 1)
    }
    this.#wake()
  }

  end(): void {
    this.#ended = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TerminalSize, void> {
    for (;;) {
      const size = this.#latest
      if (size !== undefined) {
        this.#latest = undefined
        yield size
        continue
      }
      if (this.#ended) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
