// The images of a simulated runtime.

import { CriError, type Image, type ImageSpec } from '../node/cri/cri.ts'

export const IMAGE_BYTES = 1_000_000

export class SimulatedImages {
  readonly #images = new Map<string, Image>()
  readonly #newId: () => string
  readonly #registry: (image: string) => boolean

  constructor(options: { names: readonly string[]; newId: () => string; registry: (image: string) => boolean }) {
    this.#newId = options.newId
    this.#registry = options.registry
    for (const name of options.names) this.#add(name)
  }

  get size(): number {
    return this.#images.size
  }

  /** By name or by id. */
  find({ image: name = '' }: ImageSpec): Image | undefined {
    return this.#images.get(name) ?? [...this.#images.values()].find(({ id }) => id === name)
  }

  list(filter: ImageSpec | undefined): readonly Image[] {
    if (!filter?.image) return [...this.#images.values()]
    const image = this.find(filter)
    return image === undefined ? [] : [image]
  }

  pull({ image: name = '' }: ImageSpec): Image {
    if (this.#registry(name)) return this.#add(name)
    const reason = `failed to resolve reference "${name}": ${name}: not found`
    throw new CriError('NOT_FOUND', `failed to pull and unpack image "${name}": ${reason}`, 'PullImage')
  }

  remove({ image: name = '' }: ImageSpec): void {
    for (const [key, image] of this.#images) if (key === name || image.id === name) this.#images.delete(key)
  }

  #add(name: string): Image {
    const known = this.#images.get(name)
    if (known !== undefined) return known
    const id = `sha256:${this.#newId()}`
    const image = { id, repoTags: [name], repoDigests: [], size: IMAGE_BYTES, username: '', pinned: false }
    this.#images.set(name, image)
    return image
  }
}
