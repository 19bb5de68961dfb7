// How a job finds its pods: by labels that carry its name and uid, which it gives to its template unless the client selects by hand.

import type { Job } from './job.ts'

const CONTROLLER_UID = 'batch.kubernetes.io/controller-uid'
const JOB_NAME = 'batch.kubernetes.io/job-name'

/** With the names that the labels had before they got a prefix. */
export function generatedLabels(name: string, uid: string): Record<string, string> {
  return { 'controller-uid': uid, 'job-name': name, [CONTROLLER_UID]: uid, [JOB_NAME]: name }
}

/** What the client has set stays; validation finds what contradicts. */
export function generateSelector({ metadata, spec }: Job): void {
  const uid = metadata.uid ?? ''
  spec.template.metadata = {
    ...spec.template.metadata,
    labels: { ...generatedLabels(metadata.name, uid), ...spec.template.metadata?.labels },
  }
  spec.selector = {
    ...spec.selector,
    matchLabels: { [CONTROLLER_UID]: uid, ...spec.selector?.matchLabels },
  }
}
