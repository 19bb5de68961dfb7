// PodDisruptionBudget in its beta, where the empty selector was about no pods; in policy/v1 it is about all of them.

import { type AnyObject, labelSelector } from '../../apimachinery/metadata.ts'
import { isObject } from '../../apimachinery/objects.ts'
import { ref, required, type Struct } from '../../apimachinery/schema.ts'
import { type View, variantOf } from '../../apimachinery/view.ts'
import { sameJson } from '../../apimachinery/validation.ts'

/** Nobody has this label: the one version's way to say what the other says with the empty selector. */
const KEY = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match'
const EMPTY = {}
const NONE = { matchExpressions: [{ key: KEY, operator: 'Exists' }] }
const ALL = { matchExpressions: [{ key: KEY, operator: 'DoesNotExist' }] }

function replaceSelector({ spec }: AnyObject, from: object, to: object): boolean {
  if (!isObject(spec) || !sameJson(spec['selector'], from)) return false
  spec['selector'] = structuredClone(to)
  return true
}

export const podDisruptionBudgetViews = (spec: Struct): readonly View[] => [
  {
    version: 'v1beta1',
    deprecated: { since: '1.21', removed: '1.25' },
    fields: {
      spec: required(
        ref(
          2,
          // Patches merge into the selector; in policy/v1 they replace it.
          variantOf(spec, 'io.k8s.api.policy.v1beta1.PodDisruptionBudgetSpec', { selector: ref(2, labelSelector) }),
          { default: {} },
        ),
      ),
    },
    toHub(budget) {
      if (!replaceSelector(budget, EMPTY, NONE)) replaceSelector(budget, ALL, EMPTY)
    },
    fromHub(budget) {
      if (!replaceSelector(budget, EMPTY, ALL)) replaceSelector(budget, NONE, EMPTY)
    },
  },
]
