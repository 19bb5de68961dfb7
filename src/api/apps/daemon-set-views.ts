// The versions of DaemonSet from before apps/v1: pods are replaced when they are deleted, and templates are counted in the spec.

import type { AnyObject } from '../../apimachinery/metadata.ts'
import { isObject } from '../../apimachinery/objects.ts'
import { int64, ref, required, type Struct } from '../../apimachinery/schema.ts'
import { type View, variantOf } from '../../apimachinery/view.ts'
import { keepAnnotation, takeCounter } from '../annotations.ts'
import { selectorField, selectorFromTemplate, updateOnDelete } from './old-defaults.ts'

/** Counts the templates. Upstream keeps it from the kind's first days, when pods were told apart by it. */
export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

function toHub({ metadata, spec }: AnyObject): void {
  if (!isObject(spec)) return
  const { templateGeneration: generation } = spec
  delete spec['templateGeneration']
  if (typeof generation === 'number' && generation !== 0)
    keepAnnotation(metadata, TEMPLATE_GENERATION, String(generation))
}

function fromHub({ metadata, spec }: AnyObject): void {
  const generation = takeCounter(metadata, TEMPLATE_GENERATION)
  if (generation !== undefined && isObject(spec)) spec['templateGeneration'] = generation
}

export const daemonSetViews = (spec: Struct): readonly View[] => [
  { version: 'v1beta2', deprecated: { since: '1.9', removed: '1.16' } },
  {
    group: 'extensions',
    version: 'v1beta1',
    deprecated: { since: '1.8', removed: '1.16' },
    fields: {
      spec: required(
        ref(
          2,
          variantOf(spec, 'io.k8s.api.extensions.v1beta1.DaemonSetSpec', {
            selector: selectorField(1),
            templateGeneration: int64(5, { nilable: false }),
          }),
          { default: {} },
        ),
      ),
    },
    defaults(object) {
      const spec = selectorFromTemplate(object)
      if (spec) updateOnDelete(spec)
    },
    toHub,
    fromHub,
  },
]
