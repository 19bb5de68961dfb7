// Checks the volumes of a pod: names, one source each, and what the common sources must say.

import type { Issues } from '../../../apimachinery/issues.ts'
import { parseQuantity } from '../../../apimachinery/quantity.ts'
import { isQuantity } from '../../../apimachinery/scalars.ts'
import { checkLabel, checkMember } from '../../../apimachinery/validation.ts'
import type { DownwardAPIVolumeFile, KeyToPath } from './key-selectors.ts'
import { validateDescendingPath } from './validate-containers.ts'
import { ENV_FIELD_PATHS, validateFieldPath } from './validate-environment.ts'
import type { ProjectedVolumeSource, Volume } from './volumes.ts'

/** Answers the names of the volumes, for mounts to use. */
export function validateVolumes(volumes: readonly Volume[], at: string, issues: Issues): ReadonlySet<string> {
  const names = new Set<string>()
  volumes.forEach((volume, i) => {
    const here = `${at}[${i}]`
    const { name } = volume
    if (name === '') issues.required(`${here}.name`)
    else if (name !== undefined) {
      checkMember(name, checkLabel, here, '.name', issues)
      if (names.has(name)) issues.duplicate(`${here}.name`, name)
      names.add(name)
    }
    let sources = 0
    for (const key in volume) {
      if (key === 'name') continue
      if (++sources > 1) issues.forbidden(`${here}.${key}`, 'may not specify more than 1 volume type')
    }
    if (sources === 0) issues.required(here, 'must specify a volume type')
    validateSource(volume, here, issues)
  })
  return names
}

function validateSource(volume: Volume, at: string, issues: Issues): void {
  const { hostPath, emptyDir, secret, configMap, persistentVolumeClaim: claim, projected, downwardAPI, nfs } = volume
  if (hostPath !== undefined) {
    if (hostPath.path === '') issues.required(`${at}.hostPath.path`)
    else if (hostPath.path?.split('/').includes('..')) {
      issues.invalid(`${at}.hostPath.path`, hostPath.path, "must not contain '..'")
    }
  }
  const size = emptyDir?.sizeLimit
  if (size !== undefined && isQuantity(size) && parseQuantity(size).nanos < 0n) {
    issues.forbidden(`${at}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity')
  }
  if (secret !== undefined) {
    if ((secret.secretName ?? '') === '') issues.required(`${at}.secret.secretName`)
    validateMode(secret.defaultMode, `${at}.secret.defaultMode`, issues)
    validateItems(secret.items, `${at}.secret.items`, issues)
  }
  if (configMap !== undefined) {
    if ((configMap.name ?? '') === '') issues.required(`${at}.configMap.name`)
    validateMode(configMap.defaultMode, `${at}.configMap.defaultMode`, issues)
    validateItems(configMap.items, `${at}.configMap.items`, issues)
  }
  if (claim !== undefined && claim.claimName === '') issues.required(`${at}.persistentVolumeClaim.claimName`)
  if (nfs !== undefined) {
    if (nfs.server === '') issues.required(`${at}.nfs.server`)
    if (nfs.path === '') issues.required(`${at}.nfs.path`)
    else if (nfs.path !== undefined && !nfs.path.startsWith('/')) {
      issues.invalid(`${at}.nfs.path`, nfs.path, 'must be an absolute path')
    }
  }
  if (downwardAPI !== undefined) {
    validateMode(downwardAPI.defaultMode, `${at}.downwardAPI.defaultMode`, issues)
    validateFiles(downwardAPI.items, `${at}.downwardAPI`, issues)
  }
  if (projected !== undefined) validateProjected(projected, `${at}.projected`, issues)
}

function validateProjected({ defaultMode, sources = [] }: ProjectedVolumeSource, at: string, issues: Issues): void {
  validateMode(defaultMode, `${at}.defaultMode`, issues)
  sources.forEach((source, i) => {
    const here = `${at}.sources[${i}]`
    const said = Object.keys(source)
    if (said.length > 1) issues.forbidden(here, 'may not specify more than 1 volume type')
    const { secret, configMap, downwardAPI, serviceAccountToken: token } = source
    if (secret !== undefined) {
      if ((secret.name ?? '') === '') issues.required(`${here}.secret.name`)
      validateItems(secret.items, `${here}.secret.items`, issues)
    }
    if (configMap !== undefined) {
      if ((configMap.name ?? '') === '') issues.required(`${here}.configMap.name`)
      validateItems(configMap.items, `${here}.configMap.items`, issues)
    }
    if (downwardAPI !== undefined) validateFiles(downwardAPI.items, `${here}.downwardAPI`, issues)
    if (token === undefined) return
    const { expirationSeconds = 3600, path } = token
    if (expirationSeconds < 600) {
      issues.invalid(
        `${here}.serviceAccountToken.expirationSeconds`,
        expirationSeconds,
        'may not specify a duration less than 10 minutes',
      )
    }
    if (path === '') issues.required(`${here}.serviceAccountToken.path`)
    else if (path !== undefined) validateTarget(path, `${here}.serviceAccountToken.path`, issues)
  })
}

const MAX_MODE = 0o777

function validateMode(mode: number | undefined, at: string, issues: Issues): void {
  if (mode !== undefined && (mode < 0 || mode > MAX_MODE)) {
    issues.invalid(at, mode, 'must be a number between 0 and 0777 (octal), both inclusive')
  }
}

function validateItems(items: readonly KeyToPath[] | undefined, at: string, issues: Issues): void {
  items?.forEach(({ key, path, mode }, i) => {
    if (key === '') issues.required(`${at}[${i}].key`)
    if (path === '') issues.required(`${at}[${i}].path`)
    else if (path !== undefined) validateTarget(path, `${at}[${i}].path`, issues)
    validateMode(mode, `${at}[${i}].mode`, issues)
  })
}

function validateFiles(files: readonly DownwardAPIVolumeFile[] | undefined, at: string, issues: Issues): void {
  files?.forEach(({ path, mode, fieldRef, resourceFieldRef }) => {
    if (path === '') issues.required(`${at}.path`)
    else if (path !== undefined) validateTarget(path, `${at}.path`, issues)
    if (fieldRef !== undefined) {
      validateFieldPath(fieldRef, `${at}.fieldRef`, FILE_FIELD_PATHS, issues)
      if (resourceFieldRef !== undefined) {
        issues.invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously')
      }
    } else if (resourceFieldRef === undefined) {
      issues.required(at, 'one of fieldRef and resourceFieldRef is required')
    }
    validateMode(mode, `${at}.mode`, issues)
  })
}

const FILE_FIELD_PATHS = [
  ...ENV_FIELD_PATHS.filter((path) => path.startsWith('metadata.')),
  'metadata.labels',
  'metadata.annotations',
]

/** Where a file is put inside the volume. Names that begin with two dots belong to the writer of the volume. */
function validateTarget(path: string, at: string, issues: Issues): void {
  validateDescendingPath(path, at, issues)
  const [first = ''] = path.split('/')
  if (first.startsWith('..') && first !== '..') issues.invalid(at, path, "must not start with '..'")
}
