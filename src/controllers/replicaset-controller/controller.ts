// Keeps as many pods of a ReplicaSet as it says.

import { selectorOf } from '../../apimachinery/selectors/labels.ts'
import { replicaSets } from '../../api/apps/replica-set.ts'
import { controllerOf } from '../../api/core/owners.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { isPodActive } from '../../api/core/pod/readiness.ts'
import { defineController, watches } from '../controller.ts'
import { type Flavour, reconcileReplicas } from '../replica-set-core/reconcile.ts'
import type { ReplicaSet } from '../../api/apps/replica-set.ts'

const flavour: Flavour<ReplicaSet> = {
  resource: replicaSets,
  selector: (set) => selectorOf(set.spec.selector as ReplicaSet['spec']['selector']),
  related(set, active, cache) {
    const deployment = controllerOf(set)
    if (deployment === undefined) return active
    return cache
      .ownedBy(replicaSets, deployment.uid)
      .flatMap(({ metadata }) => cache.ownedBy(pods, metadata.uid ?? ''))
      .filter(isPodActive)
  },
  countsTerminating: true,
}

export const replicaSetController = defineController({
  name: 'replicaset-controller',
  for: replicaSets,
  owns: [pods],
  watches: [
    // A pod that nobody controls is for every set that selects it.
    watches({
      resource: pods,
      toKeys(pod, cache) {
        const { namespace } = pod.metadata
        if (controllerOf(pod) !== undefined || namespace === undefined) return []
        return cache.keysOf(replicaSets, namespace, (set) => flavour.selector(set).matches(pod.metadata.labels))
      },
    }),
  ],
  reconcile: (context, key) => reconcileReplicas(context, key, flavour),
})
