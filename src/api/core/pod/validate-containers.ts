// Checks the containers of a pod: names, ports, environment, mounts, probes, and what init containers may not have.

import type { Issues } from '../../../apimachinery/issues.ts'
import {
  checkHttpHeaderName,
  checkLabel,
  checkPort,
  checkPortName,
  checkValue,
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
  const { containers = [], initContainers = [], ephemeralContainers = [] } = spec
  if (spec.containers?.length === 0) issues.required(`${at}.containers`)
  const names = new Set<string>()
  const scene: Scene = { names, volumes, hostNetwork: spec.hostNetwork === true, issues }
  containers.forEach((container, i) => {
    const here = `${at}.containers[${i}]`
    validateContainer(container, here, scene)
    validateProbes(container, here, issues)
  })
  initContainers.forEach((container, i) => {
    const here = `${at}.initContainers[${i}]`
    validateContainer(container, here, scene)
    if (isSidecar(container)) validateProbes(container, here, issues)
    else forbidProbes(container, here, issues)
  })
  ephemeralContainers.forEach((container, i) => {
    const here = `${at}.ephemeralContainers[${i}]`
    validateContainer(container, here, scene)
    const target = container.targetContainerName ?? ''
    if (target !== '' && ![...containers, ...initContainers].some(({ name }) => name === target)) {
      issues.notFound(`${here}.targetContainerName`, target)
    }
    for (const key of ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'] as const) {
      if (container[key] !== undefined) issues.forbidden(`${here}.${key}`, 'cannot be set for an Ephemeral Container')
    }
  })
  validateHostPorts(containers, `${at}.containers`, issues)
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
    checkValue(name, checkLabel, `${at}.name`, issues)
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
  validatePorts(container.ports ?? [], at, scene)
  validateEnv(container.env ?? [], `${at}.env`, issues)
  validateEnvFrom(container.envFrom ?? [], `${at}.envFrom`, issues)
  validateMounts(container.volumeMounts ?? [], `${at}.volumeMounts`, scene)
  if (container.resources !== undefined) validateResources(container.resources, `${at}.resources`, issues)
  if (container.securityContext !== undefined) {
    validateSecurityContext(container.securityContext, `${at}.securityContext`, issues)
  }
}

function validatePorts(ports: readonly ContainerPort[], at: string, { hostNetwork, issues }: Scene): void {
  const names = new Set<string>()
  ports.forEach(({ name = '', containerPort, hostPort = 0 }, i) => {
    const here = `${at}.ports[${i}]`
    if (name !== '') {
      const problems = checkPortName(name)
      for (const problem of problems) issues.invalid(`${here}.name`, name, problem)
      if (problems.length === 0 && names.has(name)) issues.duplicate(`${here}.name`, name)
      names.add(name)
    }
    if (containerPort === 0) issues.required(`${here}.containerPort`)
    else for (const problem of checkPort(containerPort)) issues.invalid(`${here}.containerPort`, containerPort, problem)
    if (hostPort === 0) return
    for (const problem of checkPort(hostPort)) issues.invalid(`${here}.hostPort`, hostPort, problem)
    if (hostNetwork && hostPort !== containerPort) {
      issues.invalid(`${here}.containerPort`, containerPort, 'must match `hostPort` when `hostNetwork` is true')
    }
  })
}

function validateHostPorts(containers: readonly Container[], at: string, issues: Issues): void {
  const taken = new Set<string>()
  containers.forEach(({ ports = [] }, i) => {
    ports.forEach(({ hostPort = 0, protocol = 'TCP', hostIP = '' }, j) => {
      if (hostPort === 0) return
      const key = `${protocol}/${hostIP}/${hostPort}`
      if (taken.has(key)) issues.duplicate(`${at}[${i}].ports[${j}].hostPort`, key)
      taken.add(key)
    })
  })
}

function validateMounts(mounts: readonly VolumeMount[], at: string, { volumes, issues }: Scene): void {
  const paths = new Set<string>()
  mounts.forEach(({ name, mountPath, subPath = '', subPathExpr = '' }, i) => {
    const here = `${at}[${i}]`
    if (name === '') issues.required(`${here}.name`)
    else if (name !== undefined && !volumes.has(name)) issues.notFound(`${here}.name`, name)
    if (mountPath === '') issues.required(`${here}.mountPath`)
    if (mountPath !== undefined && paths.has(mountPath)) {
      issues.invalid(`${here}.mountPath`, mountPath, 'must be unique')
    }
    paths.add(mountPath)
    if (subPath !== '') validateDescendingPath(subPath, `${here}.subPath`, issues)
    if (subPathExpr === '') return
    if (subPath !== '') {
      issues.invalid(`${here}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive')
    }
    validateDescendingPath(subPathExpr, `${here}.subPathExpr`, issues)
  })
}

/** A path that stays below where it starts. */
export function validateDescendingPath(path: string, at: string, issues: Issues): void {
  if (path.startsWith('/')) issues.invalid(at, path, 'must be a relative path')
  if (path.split('/').includes('..')) issues.invalid(at, path, "must not contain '..'")
}

function validateSecurityContext(context: SecurityContext, at: string, issues: Issues): void {
  const { runAsUser, runAsGroup, privileged, allowPrivilegeEscalation, capabilities } = context
  for (const [key, id] of [['runAsUser', runAsUser] as const, ['runAsGroup', runAsGroup] as const]) {
    if (id !== undefined && (id < 0 || id > MAX_ID)) {
      issues.invalid(`${at}.${key}`, id, `must be between 0 and ${MAX_ID}, inclusive`)
    }
  }
  if (allowPrivilegeEscalation !== false) return
  if (privileged === true) {
    issues.invalid(at, context, 'cannot set `allowPrivilegeEscalation` to false and `privileged` to true')
  }
  if (capabilities?.add?.includes('CAP_SYS_ADMIN')) {
    issues.invalid(at, context, 'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN')
  }
}

const MAX_ID = 2 ** 31 - 1

const PROBES = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const

function forbidProbes(container: Container, at: string, issues: Issues): void {
  for (const key of ['lifecycle', ...PROBES] as const) {
    if (container[key] !== undefined) {
      issues.forbidden(`${at}.${key}`, 'may not be set for init containers without restartPolicy=Always')
    }
  }
}

function validateProbes(container: Container, at: string, issues: Issues): void {
  for (const key of ['postStart', 'preStop'] as const) {
    const handler = container.lifecycle?.[key]
    if (handler !== undefined) validateHandler(handler, `${at}.lifecycle.${key}`, issues)
  }
  for (const key of PROBES) {
    const probe = container[key]
    if (probe === undefined) continue
    const here = `${at}.${key}`
    validateHandler(probe, here, issues)
    validateProbeFigures(probe, key, here, issues)
  }
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

function validateHandler(handler: ProbeHandler & LifecycleHandler, at: string, issues: Issues): void {
  const said = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter((key) => handler[key] !== undefined)
  if (said.length === 0) issues.required(at, 'must specify a handler type')
  for (const key of said.slice(1)) issues.forbidden(`${at}.${key}`, 'may not specify more than one handler type')
  const { exec, httpGet, tcpSocket, grpc } = handler
  if (exec !== undefined && (exec.command ?? []).length === 0) issues.required(`${at}.exec.command`)
  if (httpGet !== undefined) {
    if ((httpGet.path ?? '') === '') issues.required(`${at}.httpGet.path`)
    validatePortReference(httpGet.port, `${at}.httpGet.port`, issues)
    for (const { name = '' } of httpGet.httpHeaders ?? []) {
      checkValue(name, checkHttpHeaderName, `${at}.httpGet.httpHeaders`, issues)
    }
  }
  if (tcpSocket !== undefined) validatePortReference(tcpSocket.port, `${at}.tcpSocket.port`, issues)
  if (grpc !== undefined) validatePortReference(grpc.port, `${at}.grpc.port`, issues)
}

/** A number, or the name of one. */
export function validatePortReference(port: number | string | undefined, at: string, issues: Issues): void {
  if (typeof port === 'number') for (const problem of checkPort(port)) issues.invalid(at, port, problem)
  else if (port !== undefined) checkValue(port, checkPortName, at, issues)
}
