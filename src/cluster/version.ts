// Which Drover this is, and the form of what it keeps on disk.

export const VERSION = '0.1.0'
/** The Kubernetes API it serves. */
export const KUBERNETES_VERSION = 'v1.36.0'
/** Grows when a data directory of an older form can no longer be used as it is. */
export const DATA_FORMAT = 1
