// What is done to pods by way of subresources: binding to a node, ephemeral containers.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import type { Resource } from '../../apimachinery/resource.ts'
import { rfc3339 } from '../../base/clock.ts'
import { type Binding, bindings } from '../../api/core/binding.ts'
import { type Pod, pods } from '../../api/core/pod/pod.ts'
import type { ApiResponse } from '../../client/door.ts'
import { parseJsonBody } from '../request-body.ts'
import { decodeObject } from '../registry/body.ts'
import { mustGet } from '../registry/served.ts'
import { change } from '../registry/update.ts'
import { objectResponse, valueResponse } from '../responses.ts'
import { type Call, formOf, keyOfRequest } from '../rest.ts'
import { editedObject } from './edited-object.ts'

const CREATED = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }

const erased = (resource: unknown): Resource<AnyObject> => resource as Resource<AnyObject>

/** POST pods/NAME/binding: the scheduler's decision. A pod is bound once. */
export async function bind(call: Call): Promise<ApiResponse> {
  const { served, request, context } = call
  if (context.info.verb !== 'create') throw errors.methodNotSupported(served.resource, context.info.verb)
  const binding = decodeObject(erased(bindings), parseJsonBody(request, bindings), context) as unknown as Binding
  await bindPod(call, binding, context.info.name)
  return valueResponse(CREATED, 201, formOf(call))
}

/** The same by POST to the collection `bindings`, where the body names the pod. */
export async function bindPod({ core, served, context }: Call, binding: Binding, name: string): Promise<void> {
  const { namespace } = context.info
  const { target } = binding
  if (!target.name)
    throw errors.invalid(bindings, name, [
      { field: 'target.name', reason: 'FieldValueRequired', message: 'Required value' },
    ])
  if (target.kind && target.kind !== 'Node') {
    throw errors.invalid(bindings, name, [
      {
        field: 'target.kind',
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${JSON.stringify(target.kind)}: supported values: "Node", "<empty>"`,
      },
    ])
  }
  const bound = { ...context, info: { ...context.info, subresource: 'binding' } }
  await change(
    core,
    served,
    { namespace, name },
    {
      next(current) {
        const pod = JSON.parse(current.bytes.toString()) as AnyObject & Pod
        delete pod.metadata.resourceVersion
        const uid = binding.metadata.uid
        if (uid && uid !== pod.metadata.uid)
          throw errors.conflict(
            pods,
            name,
            `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid ?? ''}`,
          )
        if (pod.metadata.deletionTimestamp)
          throw errors.conflict(pods, name, `pod ${name} is being deleted, cannot be assigned to a host`)
        if (pod.spec.nodeName)
          throw errors.conflict(
            pods,
            name,
            `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`,
          )
        if (pod.spec.schedulingGates?.length)
          throw errors.conflict(pods, name, `pod ${name} has non-empty .spec.schedulingGates`)
        pod.spec.nodeName = target.name ?? ''
        Object.assign((pod.metadata.annotations ??= {}), binding.metadata.annotations)
        if (Object.keys(pod.metadata.annotations).length === 0) delete pod.metadata.annotations
        const status = (pod.status ??= {})
        const others = (status.conditions ?? []).filter((c) => c.type !== 'PodScheduled')
        status.conditions = [
          ...others,
          {
            type: 'PodScheduled',
            status: 'True',
            lastProbeTime: null as never,
            lastTransitionTime: rfc3339(core.clock.now()),
          },
        ]
        return pod
      },
    },
    bound,
  )
}

/** GET, PUT and PATCH pods/NAME/ephemeralcontainers: containers for debugging may be added, and nothing else changes. */
export async function ephemeralContainers(call: Call): Promise<ApiResponse> {
  const { core, served, context } = call
  const form = formOf(call)
  if (context.info.verb === 'get') return objectResponse(served, mustGet(served, keyOfRequest(call)), 200, form)
  if (context.info.verb !== 'update' && context.info.verb !== 'patch')
    throw errors.methodNotSupported(served.resource, context.info.verb)
  const stored = await change(
    core,
    served,
    keyOfRequest(call),
    {
      next(current) {
        const asked = editedObject(call, current) as AnyObject & Pod
        const pod = JSON.parse(current.bytes.toString()) as AnyObject & Pod
        const added = asked.spec.ephemeralContainers ?? []
        for (const old of pod.spec.ephemeralContainers ?? []) {
          if (added.some((c) => JSON.stringify(c) === JSON.stringify(old))) continue
          throw errors.invalid(pods, pod.metadata.name, [
            {
              field: 'spec.ephemeralContainers',
              reason: 'FieldValueForbidden',
              message: `Forbidden: existing ephemeral containers ${JSON.stringify(old.name)} may not be changed or removed`,
            },
          ])
        }
        pod.spec.ephemeralContainers = added
        if (asked.metadata.resourceVersion) pod.metadata.resourceVersion = asked.metadata.resourceVersion
        else delete pod.metadata.resourceVersion
        return pod
      },
    },
    context,
  )
  return objectResponse(served, stored, 200, form)
}
