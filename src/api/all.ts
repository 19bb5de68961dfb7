// Every kind that the server knows, and how to find one.

import type { AnyObject } from '../apimachinery/metadata.ts'
import type { Resource } from '../apimachinery/resource.ts'
import { type ReadyView, viewsOf } from '../apimachinery/view.ts'
import { mutatingAdmissionPolicies } from './admissionregistration/mutating-admission-policy.ts'
import { mutatingAdmissionPolicyBindings } from './admissionregistration/mutating-admission-policy-binding.ts'
import { mutatingWebhookConfigurations } from './admissionregistration/mutating-webhook-configuration.ts'
import { validatingAdmissionPolicies } from './admissionregistration/validating-admission-policy.ts'
import { validatingAdmissionPolicyBindings } from './admissionregistration/validating-admission-policy-binding.ts'
import { validatingWebhookConfigurations } from './admissionregistration/validating-webhook-configuration.ts'
import { customResourceDefinitions } from './apiextensions/custom-resource-definition.ts'
import { apiServices } from './apiregistration/api-service.ts'
import { controllerRevisions } from './apps/controller-revision.ts'
import { daemonSets } from './apps/daemon-set.ts'
import { deployments } from './apps/deployment.ts'
import { replicaSets } from './apps/replica-set.ts'
import { statefulSets } from './apps/stateful-set.ts'
import { selfSubjectReviews } from './authentication/self-subject-review.ts'
import { tokenRequests } from './authentication/token-request.ts'
import { tokenReviews } from './authentication/token-review.ts'
import { localSubjectAccessReviews } from './authorization/local-subject-access-review.ts'
import { selfSubjectAccessReviews } from './authorization/self-subject-access-review.ts'
import { selfSubjectRulesReviews } from './authorization/self-subject-rules-review.ts'
import { subjectAccessReviews } from './authorization/subject-access-review.ts'
import { horizontalPodAutoscalers } from './autoscaling/horizontal-pod-autoscaler/horizontal-pod-autoscaler.ts'
import { scales } from './autoscaling/scale.ts'
import { cronJobs } from './batch/cron-job/cron-job.ts'
import { jobs } from './batch/job/job.ts'
import { certificateSigningRequests } from './certificates/certificate-signing-request.ts'
import { leases } from './coordination/lease.ts'
import { bindings } from './core/binding.ts'
import { componentStatuses } from './core/component-status.ts'
import { configMaps } from './core/config-map.ts'
import { endpoints } from './core/endpoints.ts'
import { events } from './core/event.ts'
import { limitRanges } from './core/limit-range/limit-range.ts'
import { namespaces } from './core/namespace.ts'
import { nodes } from './core/node/node.ts'
import { persistentVolumeClaims } from './core/persistent-volume-claim/persistent-volume-claim.ts'
import { persistentVolumes } from './core/persistent-volume/persistent-volume.ts'
import { pods } from './core/pod/pod.ts'
import { podTemplates } from './core/pod-template.ts'
import { replicationControllers } from './core/replication-controller.ts'
import { resourceQuotas } from './core/resource-quota/resource-quota.ts'
import { secrets } from './core/secret.ts'
import { services } from './core/service/service.ts'
import { serviceAccounts } from './core/service-account.ts'
import { endpointSlices } from './discovery/endpoint-slice.ts'
import { flowSchemas } from './flowcontrol/flow-schema.ts'
import { priorityLevelConfigurations } from './flowcontrol/priority-level-configuration.ts'
import { ingressClasses } from './networking/ingress-class.ts'
import { ingresses } from './networking/ingress/ingress.ts'
import { ipAddresses } from './networking/ip-address.ts'
import { networkPolicies } from './networking/network-policy/network-policy.ts'
import { serviceCIDRs } from './networking/service-cidr.ts'
import { runtimeClasses } from './node/runtime-class.ts'
import { evictions } from './policy/eviction.ts'
import { podDisruptionBudgets } from './policy/pod-disruption-budget.ts'
import { clusterRoleBindings } from './rbac/cluster-role-binding.ts'
import { clusterRoles } from './rbac/cluster-role.ts'
import { roleBindings } from './rbac/role-binding.ts'
import { roles } from './rbac/role.ts'
import { deviceClasses } from './resource/device-class.ts'
import { resourceClaims } from './resource/resource-claim.ts'
import { resourceClaimTemplates } from './resource/resource-claim-template.ts'
import { resourceSlices } from './resource/resource-slice.ts'
import { priorityClasses } from './scheduling/priority-class.ts'
import { csiDrivers } from './storage/csi-driver.ts'
import { csiNodes } from './storage/csi-node.ts'
import { csiStorageCapacities } from './storage/csi-storage-capacity.ts'
import { storageClasses } from './storage/storage-class.ts'
import { volumeAttachments } from './storage/volume-attachment.ts'
import { volumeAttributesClasses } from './storage/volume-attributes-class.ts'

/** A kind of which the caller only needs what is true of all kinds. */
export type AnyResource = Resource<AnyObject>

// A resource's hooks take its own kind of object. Who holds them by way of a list passes objects of the same resource only.
const erased = (resources: readonly unknown[]): readonly AnyResource[] => resources as readonly AnyResource[]

/** The kinds that have a path of their own. */
export const ALL_RESOURCES: readonly AnyResource[] = erased([
  bindings,
  componentStatuses,
  configMaps,
  endpoints,
  events,
  limitRanges,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  podTemplates,
  replicationControllers,
  resourceQuotas,
  secrets,
  serviceAccounts,
  services,
  controllerRevisions,
  daemonSets,
  deployments,
  replicaSets,
  statefulSets,
  cronJobs,
  jobs,
  certificateSigningRequests,
  endpointSlices,
  leases,
  ingresses,
  ingressClasses,
  ipAddresses,
  networkPolicies,
  serviceCIDRs,
  podDisruptionBudgets,
  flowSchemas,
  priorityLevelConfigurations,
  runtimeClasses,
  clusterRoleBindings,
  clusterRoles,
  roleBindings,
  roles,
  deviceClasses,
  resourceClaims,
  resourceClaimTemplates,
  resourceSlices,
  priorityClasses,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  storageClasses,
  volumeAttachments,
  volumeAttributesClasses,
  selfSubjectReviews,
  tokenReviews,
  localSubjectAccessReviews,
  selfSubjectAccessReviews,
  selfSubjectRulesReviews,
  subjectAccessReviews,
  horizontalPodAutoscalers,
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  mutatingWebhookConfigurations,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
  validatingWebhookConfigurations,
  customResourceDefinitions,
  apiServices,
])

/** The kinds that are only ever the body of another kind's subresource. */
export const SUBRESOURCE_BODIES: readonly AnyResource[] = erased([evictions, scales, tokenRequests])

/** The other versions of the kinds above. */
export const VIEWS: readonly ReadyView[] = ALL_RESOURCES.flatMap(viewsOf)

const WITH_VIEWS: readonly AnyResource[] = [...ALL_RESOURCES, ...VIEWS.map((view) => view.resource)]
const byPlural = new Map(WITH_VIEWS.map((r) => [`${r.apiVersion}/${r.plural}`, r]))
const byKind = new Map([...WITH_VIEWS, ...SUBRESOURCE_BODIES].map((r) => [`${r.apiVersion}/${r.kind}`, r]))

const apiVersionOf = (group: string, version: string): string => (group === '' ? version : `${group}/${version}`)

/** `resourceOf('apps', 'v1', 'deployments')` */
export function resourceOf(group: string, version: string, plural: string): AnyResource | undefined {
  return byPlural.get(`${apiVersionOf(group, version)}/${plural}`)
}

/** `kindOf('apps', 'v1', 'Deployment')`: also finds the bodies of subresources. */
export function kindOf(group: string, version: string, kind: string): AnyResource | undefined {
  return byKind.get(`${apiVersionOf(group, version)}/${kind}`)
}
