// The scale subresource of every kind that has one: replicas seen and set through one small object.

import * as errors from '../../apimachinery/errors.ts'
import type { AnyObject } from '../../apimachinery/metadata.ts'
import { isObject, type JsonObject, setOwn } from '../../apimachinery/objects.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import { applyJsonPatch } from '../../apimachinery/patch/json-patch.ts'
import { applyMergePatch } from '../../apimachinery/patch/merge-patch.ts'
import { PatchError } from '../../apimachinery/patch/patch-error.ts'
import { applyStrategicMergePatch } from '../../apimachinery/patch/strategic.ts'
import { selectorOf, selectorOfMap } from '../../apimachinery/selectors/labels.ts'
import { type Scale, scales } from '../../api/autoscaling/scale.ts'
import type { ApiResponse } from '../../client/door.ts'
import { parseJsonBody } from '../request-body.ts'
import { decodeObject } from '../registry/body.ts'
import { mustGet } from '../registry/served.ts'
import { change } from '../registry/update.ts'
import { kindResponse } from '../responses.ts'
import { type Call, formOf, keyOfRequest, patchTypeOf } from '../rest.ts'

export async function scale(call: Call): Promise<ApiResponse> {
  const { served, context } = call
  switch (context.info.verb) {
    case 'get':
      return answer(call, scaleOf(call, mustGet(served, keyOfRequest(call)).object))
    case 'update':
    case 'patch':
      return setScale(call)
    default:
      throw errors.methodNotSupported(served.resource, context.info.verb)
  }
}

function answer(call: Call, value: object): ApiResponse {
  return kindResponse(scales, value, { status: 200, form: formOf(call, scales) })
}

async function setScale(call: Call): Promise<ApiResponse> {
  const { core, served, context } = call
  const key = keyOfRequest(call)
  const stored = await change(
    core,
    served,
    key,
    {
      fromPresent: true,
      next(current) {
        const object = JSON.parse(current.bytes.toString()) as AnyObject
        const wanted = wantedScale(call, scaleOf(call, current.object))
        const replicas = wanted.spec?.replicas ?? 0
        if (replicas < 0) {
          throw errors.invalid(scales, key.name, [
            {
              field: 'spec.replicas',
              reason: 'FieldValueInvalid',
              message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
            },
          ])
        }
        if (wanted.metadata.uid && wanted.metadata.uid !== object.metadata.uid) {
          throw errors.conflict(
            served.resource,
            key.name,
            `Precondition failed: UID in precondition: ${wanted.metadata.uid}, UID in object meta: ${object.metadata.uid ?? ''}`,
          )
        }
        writePath(object, served.resource.subresources?.scale?.spec ?? '.spec.replicas', replicas)
        const revision = wanted.metadata.resourceVersion
        const named = context.info.verb === 'update' && revision
        if (named) object.metadata.resourceVersion = revision
        else delete object.metadata.resourceVersion
        return object
      },
    },
    context,
  )
  return answer(call, scaleOf(call, stored.object))
}

/** The Scale that the request asks for, from its body or from its patch on the present one. */
function wantedScale(call: Call, present: Scale): Scale {
  const { request, context } = call
  const resource = scales as unknown as Parameters<typeof decodeObject>[0]
  if (context.info.verb === 'update')
    return decodeObject(resource, parseJsonBody(request, scales), context) as unknown as Scale
  const type = patchTypeOf(call)
  const body = parseJsonBody(request, scales)
  try {
    const value =
      type === 'json'
        ? applyJsonPatch(present, body.value)
        : type === 'strategic'
          ? applyStrategicMergePatch(scales.struct, present, body.value)
          : applyMergePatch(present, body.value)
    return decodeObject(resource, { value, duplicates: body.duplicates }, context) as unknown as Scale
  } catch (error) {
    if (error instanceof PatchError)
      throw error.unfit ? errors.unprocessable(error.message) : errors.badRequest(error.message)
    throw error
  }
}

function scaleOf({ served }: Call, object: DeepReadonly<AnyObject>): Scale {
  const paths = served.resource.subresources?.scale
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const metadata = {
    name,
    ...(namespace ? { namespace } : {}),
    ...(uid ? { uid } : {}),
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(creationTimestamp ? { creationTimestamp } : {}),
  }
  const selector = selectorText(paths?.selector === undefined ? undefined : readPath(object, paths.selector))
  const replicas = Number(readPath(object, paths?.status ?? '.status.replicas') ?? 0)
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata,
    spec: { replicas: Number(readPath(object, paths?.spec ?? '.spec.replicas') ?? 0) },
    status: { replicas, ...(selector ? { selector } : {}) },
  }
}

function selectorText(value: unknown): string {
  if (typeof value === 'string') return value
  if (!isObject(value)) return ''
  const structured = 'matchLabels' in value || 'matchExpressions' in value
  return (structured ? selectorOf(value) : selectorOfMap(value as Record<string, string>)).toString()
}

/** Scale paths are plain: `.spec.replicas`. */
function readPath(object: unknown, path: string): unknown {
  let value: unknown = object
  for (const part of path.split('.').slice(1)) {
    if (!isObject(value) || !Object.hasOwn(value, part)) return undefined
    value = value[part]
  }
  return value
}

function writePath(object: AnyObject, path: string, value: unknown): void {
  const parts = path.split('.').slice(1)
  const last = parts.pop() ?? ''
  let at: JsonObject = object
  for (const part of parts) {
    const next = Object.hasOwn(at, part) ? at[part] : undefined
    if (isObject(next)) at = next
    else {
      const made: JsonObject = {}
      setOwn(at, part, made)
      at = made
    }
  }
  setOwn(at, last, value)
}
