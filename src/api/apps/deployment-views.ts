// The versions of Deployment from before apps/v1: what they default in another way, and the roll-back that was once a field.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import { isObject, type JsonObject } from '../../apimachinery/objects.ts'
import { int64, ref, required, struct } from '../../apimachinery/schema.ts'
import { type View, variantOf } from '../../apimachinery/view.ts'
import { keepAnnotation, takeCounter } from '../annotations.ts'
import { deploymentSpec } from './deployment-spec.ts'
import { selectorField, selectorFromTemplate } from './old-defaults.ts'

/** Where a roll-back that was asked for in an old version is kept (upstream apps.DeprecatedRollbackTo). */
const ROLLBACK = 'deprecated.deployment.rollback.revision'
const MAX_INT32 = 2 ** 31 - 1

const oldSpec = (version: string) =>
  variantOf(deploymentSpec, `io.k8s.api.${version}.DeploymentSpec`, {
    selector: selectorField(2),
    rollbackTo: ref(8, struct(`io.k8s.api.${version}.RollbackConfig`, { revision: int64(1, { nilable: false }) })),
  })

function toHub(object: AnyObject): void {
  const spec = object['spec']
  if (!isObject(spec) || spec['rollbackTo'] === undefined) return
  const { rollbackTo } = spec
  delete spec['rollbackTo']
  const revision = isObject(rollbackTo) ? (rollbackTo['revision'] ?? 0) : 0
  keepAnnotation(object.metadata, ROLLBACK, String(revision))
}

function fromHub({ metadata, ...object }: AnyObject): void {
  const revision = takeCounter(metadata, ROLLBACK)
  const spec = object['spec']
  if (revision !== undefined && isObject(spec)) spec['rollbackTo'] = { revision }
}

function rollingUpdateOf(spec: JsonObject): JsonObject | undefined {
  spec['strategy'] ??= {}
  const { strategy } = spec
  if (!isObject(strategy)) return undefined
  strategy['type'] ||= 'RollingUpdate'
  if (strategy['type'] !== 'RollingUpdate') return undefined
  strategy['rollingUpdate'] ??= {}
  return isObject(strategy['rollingUpdate']) ? strategy['rollingUpdate'] : undefined
}

const FIRST_BETAS = { since: '1.8', removed: '1.16' }

export const deploymentViews: readonly View[] = [
  { version: 'v1beta2', deprecated: { since: '1.9', removed: '1.16' } },
  {
    version: 'v1beta1',
    deprecated: FIRST_BETAS,
    fields: { spec: required(ref(2, oldSpec('apps.v1beta1'), { default: {} })) },
    defaults(object) {
      const spec = selectorFromTemplate(object)
      if (spec) spec['revisionHistoryLimit'] ??= 2
    },
    toHub,
    fromHub,
  },
  {
    group: 'extensions',
    version: 'v1beta1',
    deprecated: FIRST_BETAS,
    fields: { spec: required(ref(2, oldSpec('extensions.v1beta1'), { default: {} })) },
    defaults(object) {
      const spec = selectorFromTemplate(object)
      if (!spec) return
      spec['revisionHistoryLimit'] ??= MAX_INT32
      spec['progressDeadlineSeconds'] ??= MAX_INT32
      const rolling = rollingUpdateOf(spec)
      if (!rolling) return
      rolling['maxUnavailable'] ??= 1
      rolling['maxSurge'] ??= 1
    },
    toHub,
    fromHub,
  },
]
