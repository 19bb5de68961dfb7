// Probes and lifecycle hooks: what the node agent asks of, or tells, a container.

import type { FieldsOf, TypeOf } from '../../../apimachinery/schema.ts'
import { int32, int64, intOrString, list, oneOf, ref, required, string, struct } from '../../../apimachinery/schema.ts'
import { STOP_SIGNALS } from './signals.ts'

export const execAction = struct('io.k8s.api.core.v1.ExecAction', {
  command: list(1, string(), { list: 'atomic' }),
})
export interface ExecAction extends TypeOf<typeof execAction> {}

export const httpHeader = struct('io.k8s.api.core.v1.HTTPHeader', {
  name: required(string(1)),
  value: required(string(2)),
})
export interface HTTPHeader extends TypeOf<typeof httpHeader> {}

export const httpGetAction = struct('io.k8s.api.core.v1.HTTPGetAction', {
  path: string(1, { default: '/' }),
  port: required(intOrString(2)),
  host: string(3),
  scheme: oneOf(4, ['HTTP', 'HTTPS'], { default: 'HTTP' }),
  httpHeaders: list(5, httpHeader, { list: 'atomic' }),
})
export interface HTTPGetAction extends TypeOf<typeof httpGetAction> {}

export const tcpSocketAction = struct('io.k8s.api.core.v1.TCPSocketAction', {
  port: required(intOrString(1)),
  host: string(2),
})
export interface TCPSocketAction extends TypeOf<typeof tcpSocketAction> {}

export const grpcAction = struct('io.k8s.api.core.v1.GRPCAction', {
  port: required(int32(1, { default: 0 })),
  service: string(2, { default: '' }),
})
export interface GRPCAction extends TypeOf<typeof grpcAction> {}

export const probeHandlerFields = {
  exec: ref(1, execAction),
  httpGet: ref(2, httpGetAction),
  tcpSocket: ref(3, tcpSocketAction),
  grpc: ref(4, grpcAction),
}
export type ProbeHandler = FieldsOf<typeof probeHandlerFields>

export const probe = struct('io.k8s.api.core.v1.Probe', {
  ...probeHandlerFields,
  initialDelaySeconds: int32(2, { min: 0 }),
  timeoutSeconds: int32(3, { default: 1, min: 0 }),
  periodSeconds: int32(4, { default: 10, min: 0 }),
  successThreshold: int32(5, { default: 1, min: 0 }),
  failureThreshold: int32(6, { default: 3, min: 0 }),
  terminationGracePeriodSeconds: int64(7),
})
export interface Probe extends TypeOf<typeof probe> {}

export const sleepAction = struct('io.k8s.api.core.v1.SleepAction', {
  seconds: required(int64(1, { default: 0 })),
})
export interface SleepAction extends TypeOf<typeof sleepAction> {}

export const lifecycleHandler = struct('io.k8s.api.core.v1.LifecycleHandler', {
  exec: ref(1, execAction),
  httpGet: ref(2, httpGetAction),
  tcpSocket: ref(3, tcpSocketAction),
  sleep: ref(4, sleepAction),
})
export interface LifecycleHandler extends TypeOf<typeof lifecycleHandler> {}

export const lifecycle = struct('io.k8s.api.core.v1.Lifecycle', {
  postStart: ref(1, lifecycleHandler),
  preStop: ref(2, lifecycleHandler),
  stopSignal: oneOf(3, STOP_SIGNALS),
})
export interface Lifecycle extends TypeOf<typeof lifecycle> {}
