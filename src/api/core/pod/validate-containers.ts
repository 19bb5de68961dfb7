// Checks the containers of a pod: names, ports, environment, mounts, probes, and what init containers may not have.

import type { Issues } from '../../../apimachinery/issues.ts'
import {
  checkHttpHeaderName,
  checkLabel,
  checkMember,
  checkPortName,
  checkValue,
  isPort,
  NOT_A_PORT,
  rangeMessage,
} from '../../../apimachinery/validation.ts'
import type { Container, ContainerPort, EphemeralContainer, VolumeMount } from './container.ts'
import type { LifecycleHandler, Probe, ProbeHandler } from './probe.ts'
import { isSidecar } from './readiness.ts'
import type { SecurityContext } from './security.ts'
import type { PodSpec } from './spec.ts'
import { validateEnv, validateEnvFrom } from './validate-environment.ts'
import { validateResources } from './validate-resources.ts'

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never']

/** `volumes` are the names that mounts may use. */
export function validateContainers(spec: PodSpec, at: string, volumes: ReadonlySet<string>, issues: Issues): void {
  const { containers, initContainers, ephemeralContainers } = spec
  if (containers?.length === 0) issues.required(`${at}.containers`)
  const scene: Scene = { names: new Set(), volumes, hostNetwork: spec.hostNetwork === true, issues }
  containers?.forEach((container, i) => {
    const here = `${at}.containers[${i}]`
    validateContainer(container, here, scene)
    validateProbes(container, here, issues)
  })
  initContainers?.forEach((container, i) => {
    const here = `${at}.initContainers[${i}]`
    validateContainer(container, here, scene)
    if (isSidecar(container)) validateProbes(container, here, issues)
    else forbidProbes(container, here, issues)
  })
  ephemeralContainers?.forEach((container, i) => {
    const here = `${at}.ephemeralContainers[${i}]`
    validateContainer(container, here, scene)
    const target = container.targetContainerName ?? ''
    if (target !== '' && ![...(containers ?? []), ...(initContainers ?? [])].some(({ name }) => name === target)) {
      issues.notFound(`${here}.targetContainerName`, target)
    }
    for (const key of ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const) {
      if (container[key] !== undefined) issues.forbidden(`${here}.${key}`, 'cannot be set for an Ephemeral Container')
    }
  })
  if (containers !== undefined) validateHostPorts(containers, at, issues)
}

interface Scene {
  names: Set<string>
  volumes: ReadonlySet<string>
  hostNetwork: boolean
  issues: Issues
}

function validateContainer(container: Container | EphemeralContainer, at: string, scene: Scene): void {
  const { issues } = scene
  const { name, image = '', restartPolicy } = container
  if (name === '') issues.required(`${at}.name`)
  else if (name !== undefined) {
    checkMember(name, checkLabel, at, '.name', issues)
    if (scene.names.has(name)) issues.duplicate(`${at}.name`, name)
    scene.names.add(name)
  }
  if (image === '') issues.required(`${at}.image`)
  else if (image.trim() !== image) {
    issues.invalid(`${at}.image`, image, 'must not have leading or trailing whitespace')
  }
  if (restartPolicy !== undefined && !RESTART_POLICIES.includes(restartPolicy)) {
    issues.notSupported(`${at}.restartPolicy`, restartPolicy, RESTART_POLICIES)
  }
  const { ports, env, envFrom, volumeMounts, resources, securityContext } = container
  if (ports !== undefined) validatePorts(ports, `${at}.ports`, scene)
  if (env !== undefined) validateEnv(env, `${at}.env`, issues)
  if (envFrom !== undefined) validateEnvFrom(envFrom, `${at}.envFrom`, issues)
  if (volumeMounts !== undefined) validateMounts(volumeMounts, `${at}.volumeMounts`, scene)
  if (resources !== undefined) validateResources(resources, `${at}.resources`, issues)
  if (securityContext !== undefined) validateSecurityContext(securityContext, `${at}.securityContext`, issues)
}

function validatePorts(ports: readonly ContainerPort[], at: string, { hostNetwork, issues }: Scene): void {
  let names: Set<string> | undefined
  ports.forEach(({ name = '', containerPort, hostPort = 0 }, i) => {
    if (name !== '') {
      const problems = checkPortName(name)
      for (const problem of problems) issues.invalid(`${at}[${i}].name`, name, problem)
      names ??= new Set()
      if (problems.length === 0 && names.has(name)) issues.duplicate(`${at}[${i}].name`, name)
      names.add(name)
    }
    if (containerPort === 0) issues.required(`${at}[${i}].containerPort`)
    else if (!isPort(containerPort)) issues.invalid(`${at}[${i}].containerPort`, containerPort, NOT_A_PORT)
    if (hostPort === 0) return
    if (!isPort(hostPort)) issues.invalid(`${at}[${i}].hostPort`, hostPort, NOT_A_PORT)
    if (hostNetwork && hostPort !== containerPort) {
      issues.invalid(`${at}[${i}].containerPort`, containerPort, 'must match `hostPort` when `hostNetwork` is true')
    }
  })
}

function validateHostPorts(containers: readonly Container[], at: string, issues: Issues): void {
  let taken: Set<string> | undefined
  containers.forEach(({ ports }, i) => {
    ports?.forEach(({ hostPort = 0, protocol = 'TCP', hostIP = '' }, j) => {
      if (hostPort === 0) return
      const key = `${protocol}/${hostIP}/${hostPort}`
      taken ??= new Set()
      if (taken.has(key)) issues.duplicate(`${at}.containers[${i}].ports[${j}].hostPort`, key)
      taken.add(key)
    })
  })
}

function validateMounts(mounts: readonly VolumeMount[], at: string, { volumes, issues }: Scene): void {
  const paths = new Set<string>()
  mounts.forEach(({ name, mountPath, subPath = '', subPathExpr = '' }, i) => {
    if (name === '') issues.required(`${at}[${i}].name`)
    else if (name !== undefined && !volumes.has(name)) issues.notFound(`${at}[${i}].name`, name)
    if (mountPath === '') issues.required(`${at}[${i}].mountPath`)
    if (mountPath !== undefined && paths.has(mountPath)) {
      issues.invalid(`${at}[${i}].mountPath`, mountPath, 'must be unique')
    }
    paths.add(mountPath)
    if (subPath !== '') validateDescendingPath(subPath, `${at}[${i}].subPath`, issues)
    if (subPathExpr === '') return
    if (subPath !== '') {
      issues.invalid(`${at}[${i}].subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive')
    }
    validateDescendingPath(subPathExpr, `${at}[${i}].subPathExpr`, issues)
  })
}

/** A path that stays below where it starts. */
export function validateDescendingPath(path: string, at: string, issues: Issues): void {
  if (path.startsWith('/')) issues.invalid(at, path, 'must be a relative path')
  if (path.split('/').includes('..')) issues.invalid(at, path, "must not contain '..'")
}

function validateSecurityContext(context: SecurityContext, at: string, issues: Issues): void {
  const { runAsUser, runAsGroup, privileged, allowPrivilegeEscalation, capabilities } = context
  if (!isId(runAsUser)) issues.invalid(`${at}.runAsUser`, runAsUser, NOT_AN_ID)
  if (!isId(runAsGroup)) issues.invalid(`${at}.runAsGroup`, runAsGroup, NOT_AN_ID)
  if (allowPrivilegeEscalation !== false) return
  if (privileged === true) {
    issues.invalid(at, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')
  }
  if (capabilities?.add?.includes('CAP_SYS_ADMIN')) {
    issues.invalid(at, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN')
  }
}

const MAX_ID = 2 ** 31 - 1
const NOT_AN_ID = rangeMessage(0, MAX_ID)

/** Of a user or a group, where one is said. */
function isId(id: number | undefined): boolean {
  return id === undefined || (id >= 0 && id <= MAX_ID)
}

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const

function forbidProbes(container: Container, at: string, issues: Issues): void {
  for (const key of ['lifecycle', ...PROBES] as const) {
    if (container[key] !== undefined) {
      issues.forbidden(`${at}.${key}`, 'may not be set for init containers without restartPolicy=Always')
    }
  }
}

function validateProbes(container: Container, at: string, issues: Issues): void {
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container
  if (lifecycle?.postStart !== undefined) validateHandler(lifecycle.postStart, `${at}.lifecycle.postStart`, issues)
  if (lifecycle?.preStop !== undefined) validateHandler(lifecycle.preStop, `${at}.lifecycle.preStop`, issues)
  if (livenessProbe !== undefined) validateProbe(livenessProbe, 'livenessProbe', at, issues)
  if (readinessProbe !== undefined) validateProbe(readinessProbe, 'readinessProbe', at, issues)
  if (startupProbe !== undefined) validateProbe(startupProbe, 'startupProbe', at, issues)
}

function validateProbe(probe: Probe, key: (typeof PROBES)[number], at: string, issues: Issues): void {
  const here = `${at}.${key}`
  validateHandler(probe, here, issues)
  validateProbeFigures(probe, key, here, issues)
}

function validateProbeFigures(probe: Probe, key: (typeof PROBES)[number], at: string, issues: Issues): void {
  const { successThreshold, terminationGracePeriodSeconds: grace } = probe
  if (key === 'readinessProbe') {
    if (grace !== undefined) {
      issues.invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes')
    }
    return
  }
  if (successThreshold !== undefined && successThreshold !== 1) {
    issues.invalid(`${at}.successThreshold`, successThreshold, 'must be 1')
  }
  if (grace !== undefined && grace <= 0) {
    issues.invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must be greater than 0')
  }
}

const HANDLERS = ['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const
const one = (handler: object | undefined): number => (handler === undefined ? 0 : 1)

function forbidOthers(handler: ProbeHandler & LifecycleHandler, at: string, issues: Issues): void {
  const said = HANDLERS.filter((key) => handler[key] !== undefined)
  for (const key of said.slice(1)) issues.forbidden(`${at}.${key}`, 'may not specify more than one handler type')
}

function validateHandler(handler: ProbeHandler & LifecycleHandler, at: string, issues: Issues): void {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler
  const said = one(exec) + one(httpGet) + one(tcpSocket) + one(grpc) + one(sleep)
  if (said === 0) issues.required(at, 'must specify a handler type')
  if (said > 1) forbidOthers(handler, at, issues)
  if (exec !== undefined && (exec.command ?? []).length === 0) issues.required(`${at}.exec.command`)
  if (httpGet !== undefined) {
    if ((httpGet.path ?? '') === '') issues.required(`${at}.httpGet.path`)
    validatePortReference(httpGet.port, `${at}.httpGet.port`, issues)
    httpGet.httpHeaders?.forEach(({ name = '' }) => {
      checkMember(name, checkHttpHeaderName, at, '.httpGet.httpHeaders', issues)
    })
  }
  if (tcpSocket !== undefined) validatePortReference(tcpSocket.port, `${at}.tcpSocket.port`, issues)
  if (grpc !== undefined) validatePortReference(grpc.port, `${at}.grpc.port`, issues)
}

/** A number, or the name of one. */
export function validatePortReference(port: number | string | undefined, at: string, issues: Issues): void {
  if (typeof port === 'number') {
    if (!isPort(port)) issues.invalid(at, port, NOT_A_PORT)
  } else if (port !== undefined) checkValue(port, checkPortName, at, issues)
}
