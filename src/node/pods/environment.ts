// The environment of a container: services, whole configMaps and secrets, single variables, with references between them expanded. Pure.

import type { ConfigMap } from '../../api/core/config-map.ts'
import type { Secret } from '../../api/core/secret.ts'
import type { Service } from '../../api/core/service/service.ts'
import type { DeepReadonly } from '../../apimachinery/resource.ts'
import type { EnvVar } from '../../api/core/pod/environment.ts'
import { fieldValue, type PodPlace, resourceValue } from './downward.ts'
import { expand } from './expansion.ts'
import type { NodeContainer, NodePod } from './model.ts'
import { ContainerConfigError } from './security.ts'

/** The objects of a pod's namespace that its environment may come from; undefined where there is none. */
export interface ConfigObjects {
  configMap(name: string): DeepReadonly<ConfigMap> | undefined
  secret(name: string): DeepReadonly<Secret> | undefined
}

export interface EnvironmentInput {
  readonly pod: NodePod
  readonly container: NodeContainer
  readonly place: PodPlace
  readonly objects: ConfigObjects
  /** Of all namespaces. */
  readonly services: readonly DeepReadonly<Service>[]
}

export function containerEnvironment({
  pod,
  container,
  place,
  objects,
  services,
}: EnvironmentInput): Map<string, string> {
  const result = new Map<string, string>()
  const fromServices = serviceVariables(services, pod.metadata.namespace ?? '', pod.spec.enableServiceLinks !== false)
  for (const source of container.envFrom ?? []) addAll(result, source, objects)
  for (const variable of container.env ?? []) {
    const { name, value = '', valueFrom } = variable
    if (valueFrom === undefined) {
      result.set(
        name,
        expand(value, (key) => result.get(key) ?? fromServices.get(key)),
      )
      continue
    }
    const taken = referredValue(variable, { pod, container, place, objects, services })
    if (taken !== undefined) result.set(name, taken)
  }
  // What the pod says counts more than what services add.
  for (const [name, value] of fromServices) if (!result.has(name)) result.set(name, value)
  return result
}

type EnvFrom = NonNullable<NodeContainer['envFrom']>[number]

function addAll(
  result: Map<string, string>,
  { prefix = '', configMapRef, secretRef }: EnvFrom,
  objects: ConfigObjects,
) {
  if (configMapRef !== undefined) {
    const { name = '', optional } = configMapRef
    const object = objects.configMap(name)
    if (object === undefined && !optional) throw new ContainerConfigError(`configmap "${name}" not found`)
    for (const [key, value] of Object.entries(object?.data ?? {})) result.set(prefix + key, value)
  }
  if (secretRef !== undefined) {
    const { name = '', optional } = secretRef
    const object = objects.secret(name)
    if (object === undefined && !optional) throw new ContainerConfigError(`secret "${name}" not found`)
    for (const [key, value] of Object.entries(object?.data ?? {})) result.set(prefix + key, decode(value))
  }
}

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')

/** Undefined: an optional reference that leads nowhere. */
function referredValue({ valueFrom }: DeepReadonly<EnvVar>, input: EnvironmentInput): string | undefined {
  const { pod, container, place, objects } = input
  if (valueFrom?.fieldRef !== undefined) return fieldValue(pod, valueFrom.fieldRef, place)
  if (valueFrom?.resourceFieldRef !== undefined) return resourceValue(pod, container, valueFrom.resourceFieldRef, place)
  const { namespace = '' } = pod.metadata
  if (valueFrom?.configMapKeyRef !== undefined) {
    const { name = '', key, optional } = valueFrom.configMapKeyRef
    const object = objects.configMap(name)
    if (object === undefined) return missing(optional, `configmap "${name}" not found`)
    return object.data?.[key] ?? missing(optional, `couldn't find key ${key} in ConfigMap ${namespace}/${name}`)
  }
  if (valueFrom?.secretKeyRef !== undefined) {
    const { name = '', key, optional } = valueFrom.secretKeyRef
    const object = objects.secret(name)
    if (object === undefined) return missing(optional, `secret "${name}" not found`)
    const value = object.data?.[key]
    if (value === undefined) return missing(optional, `couldn't find key ${key} in Secret ${namespace}/${name}`)
    return decode(value)
  }
  throw new ContainerConfigError('unsupported source of an environment variable')
}

function missing(optional: boolean | undefined, message: string): undefined {
  if (!optional) throw new ContainerConfigError(message)
}

/** The names of the control plane's own service, which every pod gets. */
const MASTER = { namespace: 'default', name: 'kubernetes' }

function serviceVariables(
  services: readonly DeepReadonly<Service>[],
  namespace: string,
  links: boolean,
): Map<string, string> {
  const variables = new Map<string, string>()
  const visible = services
    .filter(({ metadata: { name, namespace: home }, spec: { clusterIP } }) => {
      if (clusterIP === undefined || clusterIP === '' || clusterIP === 'None') return false
      return (home === MASTER.namespace && name === MASTER.name) || (links && home === namespace)
    })
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  for (const service of visible) addService(variables, service)
  return variables
}

function addService(variables: Map<string, string>, { metadata, spec }: DeepReadonly<Service>): void {
  const prefix = metadata.name.toUpperCase().replaceAll('-', '_')
  const ip = spec.clusterIP ?? ''
  const ports = spec.ports ?? []
  const [first] = ports
  if (first === undefined) return
  const host = ip.includes(':') ? `[${ip}]` : ip
  variables.set(`${prefix}_SERVICE_HOST`, ip)
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port))
  for (const { name = '', port } of ports)
    if (name !== '') variables.set(`${prefix}_SERVICE_PORT_${name.toUpperCase().replaceAll('-', '_')}`, String(port))
  const url = ({ protocol = 'TCP', port }: (typeof ports)[number]): string =>
    `${protocol.toLowerCase()}://${host}:${port}`
  variables.set(`${prefix}_PORT`, url(first))
  for (const port of ports) {
    const protocol = port.protocol ?? 'TCP'
    const stem = `${prefix}_PORT_${port.port}_${protocol}`
    variables.set(stem, url(port))
    variables.set(`${stem}_PROTO`, protocol.toLowerCase())
    variables.set(`${stem}_PORT`, String(port.port))
    variables.set(`${stem}_ADDR`, ip)
  }
}
