// Keeps as many pods of a ReplicationController as it says: a ReplicaSet's work, selected by a plain map.

import { selectorOfMap } from '../../apimachinery/selectors/labels.ts'
import { controllerOf } from '../../api/core/owners.ts'
import { pods } from '../../api/core/pod/pod.ts'
import { type ReplicationController, replicationControllers } from '../../api/core/replication-controller.ts'
import { defineController, watches } from '../controller.ts'
import { type Flavour, reconcileReplicas } from '../replica-set-core/reconcile.ts'

const flavour: Flavour<ReplicationController> = {
  resource: replicationControllers,
  selector: (controller) => selectorOfMap(controller.spec.selector),
  related: (_controller, active) => active,
  countsTerminating: false,
}

export const replicationController = defineController({
  name: 'replication-controller',
  for: replicationControllers,
  owns: [pods],
  watches: [
    watches({
      resource: pods,
      toKeys(pod, cache) {
        const { namespace } = pod.metadata
        if (controllerOf(pod) !== undefined || namespace === undefined) return []
        return cache.keysOf(replicationControllers, namespace, (controller) =>
          flavour.selector(controller).matches(pod.metadata.labels),
        )
      },
    }),
  ],
  reconcile: (context, key) => reconcileReplicas(context, key, flavour),
})
