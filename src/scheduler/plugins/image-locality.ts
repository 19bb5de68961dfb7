// ImageLocality: prefers nodes that have the pod's images already, large ones above all.

import { definePlugin, MAX_SCORE } from '../framework.ts'

const MIB = 1024 * 1024
const MIN_BYTES = 23 * MIB
const MAX_BYTES_PER_CONTAINER = 1000 * MIB

export const imageLocality = definePlugin({
  name: 'ImageLocality',
  prepareScore({ pod }) {
    const images = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map((c) => withTag(c.image ?? ''))
    return images.length === 0 ? undefined : images
  },
  score(images, _pod, node) {
    let bytes = 0
    for (const image of images) bytes += node.images.get(image) ?? 0
    const max = MAX_BYTES_PER_CONTAINER * images.length
    const clamped = Math.min(Math.max(bytes, MIN_BYTES), max)
    return Math.floor((MAX_SCORE * (clamped - MIN_BYTES)) / (max - MIN_BYTES))
  },
})

function withTag(image: string): string {
  const last = image.slice(image.lastIndexOf('/') + 1)
  return last.includes(':') || last.includes('@') ? image : `${image}:latest`
}
