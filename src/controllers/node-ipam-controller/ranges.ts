// Cuts the pod network into equal ranges, one a node. IPv4.

export interface RangeOptions {
  /** `10.244.0.0/16` */
  clusterCIDR: string
  /** Prefix length of one node's range. */
  nodeMaskSize: number
}

/** More ranges than this are not handed out, however large the network. */
const MAX_RANGES = 2 ** 16

export class Ranges {
  readonly #base: number
  readonly #nodeMaskSize: number
  readonly count: number

  constructor({ clusterCIDR, nodeMaskSize }: RangeOptions) {
    const { address, prefix } = parseCIDR(clusterCIDR)
    if (nodeMaskSize < prefix || nodeMaskSize > 30)
      throw new Error(
        `Cannot cut "${clusterCIDR}" into ranges of /${nodeMaskSize}: a prefix from ${prefix} to 30 is wanted`,
      )
    this.#base = address
    this.#nodeMaskSize = nodeMaskSize
    this.count = Math.min(2 ** (nodeMaskSize - prefix), MAX_RANGES)
  }

  /** The range at `index`, as a CIDR. */
  at(index: number): string {
    const address = this.#base + index * 2 ** (32 - this.#nodeMaskSize)
    return `${[24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.')}/${this.#nodeMaskSize}`
  }

  /** The lowest range that is not taken. */
  free(taken: ReadonlySet<string>): string | undefined {
    for (let index = 0; index < this.count; index++) {
      const range = this.at(index)
      if (!taken.has(range)) return range
    }
    return undefined
  }
}

function parseCIDR(text: string): { address: number; prefix: number } {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)
  const numbers = (match?.slice(1) ?? []).map(Number)
  const prefix = numbers[4] ?? 33
  if (!match || prefix > 32 || numbers.slice(0, 4).some((octet) => octet > 255))
    throw new Error(`Cannot read cluster CIDR "${text}": an IPv4 network such as 10.244.0.0/16 is wanted`)
  const address = numbers.slice(0, 4).reduce((sum, octet) => sum * 256 + octet, 0)
  return { address: address - (address % 2 ** (32 - prefix)), prefix }
}
