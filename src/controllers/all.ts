// Every controller, in the order in which they are started.

import { clusterRoleAggregationController } from './clusterrole-aggregation-controller/controller.ts'
import type { Controller, ControllerEnvironment, RunningController } from './controller.ts'
import { cronJobController } from './cron-job-controller/controller.ts'
import { daemonSetController } from './daemon-set-controller/controller.ts'
import { deploymentController } from './deployment-controller/controller.ts'
import { disruptionController } from './disruption-controller/controller.ts'
import { endpointController } from './endpoint-controller/controller.ts'
import { endpointSliceController } from './endpointslice-controller/controller.ts'
import { genericGarbageCollector } from './generic-garbage-collector/controller.ts'
import { jobController } from './job-controller/controller.ts'
import { namespaceController } from './namespace-controller/controller.ts'
import { nodeIpamController } from './node-ipam-controller/controller.ts'
import { nodeLifecycleController } from './node-lifecycle-controller/controller.ts'
import { podGarbageCollector } from './pod-garbage-collector/controller.ts'
import { replicaSetController } from './replicaset-controller/controller.ts'
import { replicationController } from './replication-controller/controller.ts'
import { rootCACertPublisher } from './root-ca-cert-publisher/controller.ts'
import { serviceAccountController } from './service-account-controller/controller.ts'
import { serviceCIDRController } from './service-cidr-controller/controller.ts'
import { statefulSetController } from './stateful-set-controller/controller.ts'
import { taintEvictionController } from './taint-eviction-controller/controller.ts'
import { ttlAfterFinishedController } from './ttl-after-finished-controller/controller.ts'

export interface ControllerConfiguration {
  /** Network of the pods, cut into one range a node. Absent: nodes get no range. */
  clusterCIDR?: string
  /** Prefix length of a node's range; 24 unless said. */
  nodeCIDRMaskSize?: number
  /** PEM; absent: not published. */
  clusterCA?: string
}

/** A controller that does not fit the form of one kind and its keys. */
export interface StandaloneController {
  name: string
  account?: string
  start(environment: ControllerEnvironment): RunningController
}

export type AnyController = Controller | StandaloneController

/** A fresh set: controllers may remember things while they run. */
export function allControllers(configuration: ControllerConfiguration): readonly AnyController[] {
  const { clusterCIDR, clusterCA, nodeCIDRMaskSize = 24 } = configuration
  return [
    serviceAccountController,
    ...(clusterCA === undefined ? [] : [rootCACertPublisher(clusterCA)]),
    ...(clusterCIDR === undefined ? [] : [nodeIpamController({ clusterCIDR, nodeMaskSize: nodeCIDRMaskSize })]),
    clusterRoleAggregationController,
    nodeLifecycleController(),
    taintEvictionController(),
    podGarbageCollector(),
    replicationController,
    replicaSetController,
    deploymentController,
    daemonSetController(),
    statefulSetController,
    jobController(),
    cronJobController,
    ttlAfterFinishedController,
    disruptionController,
    endpointSliceController,
    endpointController,
    serviceCIDRController,
    namespaceController,
    genericGarbageCollector,
  ]
}
