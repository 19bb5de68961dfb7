// Memory for the rows of one commit, used again by the next: what is allocated afresh for every write is paid for once more by the kernel and by the collector.

const BLOCK_BYTES = 256 * 1024

export class Arena {
  readonly #block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  #used = 0

  /** Memory that is this row's until `reset`; what does not fit has memory of its own. */
  readonly take = (size: number): Buffer => {
    const end = this.#used + size
    if (end > BLOCK_BYTES) return Buffer.allocUnsafeSlow(size)
    const bytes = this.#block.subarray(this.#used, end)
    this.#used = end
    return bytes
  }

  /** Nobody needs what was taken any more. */
  reset(): void {
    this.#used = 0
  }
}
