import { type FieldError, fieldError } from '../field-errors.ts'
import { configKeyName, descendingPath, labelName, subdomainName } from '../names.ts'
import { parseQuantity } from '../quantity.ts'
import { invalidWhen, requiredName, supported } from '../validation.ts'
import { validateClaimSpec } from './claim-validation.ts'
import { validateFieldRef, validateResourceFieldRef } from './downward-validation.ts'
import type { Volume } from './volume.ts'

/** A name and a key in it. */
export function validateKeyRef({ name, key }: { name: string; key: string }, field: string): FieldError[] {
  const errors = requiredName(`${field}.name`, name, subdomainName)
  errors.push(...requiredName(`${field}.key`, key, configKeyName))
  return errors
}

/** The volumes of a pod (pkg/apis/core/validation ValidateVolumes). */
export function validateVolumes(volumes: readonly Volume[], at: string): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, volume] of volumes.entries()) {
    const field = `${at}[${i}]`
    errors.push(...validateSource(volume, field))
    errors.push(...requiredName(`${field}.name`, volume.name, labelName))
    if (names.has(volume.name)) errors.push(fieldError.duplicate(`${field}.name`, volume.name))
    names.add(volume.name)
  }
  return errors
}

const moreThanOne = 'may not specify more than 1 volume type'

function validateSource(volume: Volume, at: string): FieldError[] {
  const errors: FieldError[] = []
  const [first, ...more] = Object.keys(volume).filter(key => key !== 'name' && volume[key as keyof Volume] !== undefined)
  if (first === undefined) return [fieldError.required(at, 'must specify a volume type')]
  for (const extra of more) errors.push(fieldError.forbidden(`${at}.${extra}`, moreThanOne))
  const check = sources[first as keyof Volume]
  if (check) errors.push(...check(volume, `${at}.${first}`))
  return errors
}

const pathTypes = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']

/** A path on a node: given, and without steps back. */
export function validateHostPath({ path, type }: { path: string; type: string }, field: string): FieldError[] {
  if (path === '') return [fieldError.required(`${field}.path`)]
  const errors = path.split('/').includes('..') ? [fieldError.invalid(`${field}.path`, path, "must not contain '..'")] : []
  errors.push(...supported(`${field}.type`, type, pathTypes))
  return errors
}

/** An NFS export. */
export function validateNfs({ server, path }: { server: string; path: string }, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (server === '') errors.push(fieldError.required(`${field}.server`))
  if (path === '') errors.push(fieldError.required(`${field}.path`))
  else if (!path.startsWith('/')) errors.push(fieldError.invalid(`${field}.path`, path, 'must be an absolute path'))
  return errors
}

type SourceCheck = (volume: Volume, field: string) => FieldError[]

const sources: Partial<Record<keyof Volume, SourceCheck>> = {
  emptyDir({ emptyDir }, field) {
    const limit = emptyDir?.sizeLimit
    const isNegative = limit !== undefined && parseQuantity(limit).nano < 0n
    return isNegative ? [fieldError.forbidden(`${field}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')] : []
  },
  hostPath: ({ hostPath }, field) => (hostPath ? validateHostPath(hostPath, field) : []),
  nfs: ({ nfs }, field) => (nfs ? validateNfs(nfs, field) : []),
  secret({ secret }, field) {
    const errors = secret?.secretName ? [] : [fieldError.required(`${field}.secretName`)]
    return [...errors, ...validateMode(secret?.defaultMode, `${field}.defaultMode`), ...validateItems(secret?.items, field)]
  },
  configMap({ configMap }, field) {
    const errors = configMap?.name ? [] : [fieldError.required(`${field}.name`)]
    return [...errors, ...validateMode(configMap?.defaultMode, `${field}.defaultMode`), ...validateItems(configMap?.items, field)]
  },
  persistentVolumeClaim: ({ persistentVolumeClaim: claim }, field) =>
    claim?.claimName ? [] : [fieldError.required(`${field}.claimName`)],
  downwardAPI({ downwardAPI }, field) {
    const errors = validateMode(downwardAPI?.defaultMode, `${field}.defaultMode`)
    return [...errors, ...validateDownwardFiles(downwardAPI?.items, field)]
  },
  projected: validateProjected,
  csi: ({ csi }, field) => (csi?.driver ? [] : [fieldError.required(`${field}.driver`)]),
  ephemeral({ ephemeral }, field) {
    const template = ephemeral?.volumeClaimTemplate
    return template
      ? validateClaimSpec(template.spec, `${field}.volumeClaimTemplate.spec`)
      : [fieldError.required(`${field}.volumeClaimTemplate`)]
  },
  image({ image }, field) {
    const errors = image?.reference ? [] : [fieldError.required(`${field}.reference`)]
    return [...errors, ...supported(`${field}.pullPolicy`, image?.pullPolicy, ['Always', 'IfNotPresent', 'Never'])]
  },
}

const modeRule = 'must be a number between 0 and 0777 (octal), both inclusive'

function validateMode(mode: number | undefined, field: string): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [fieldError.invalid(field, mode, modeRule)] : []
}

/** A file's path below the volume; names that the kubelet needs for itself are refused. */
function validateFilePath(path: string, field: string): FieldError[] {
  if (path === '') return [fieldError.required(field)]
  const faults = descendingPath(path)
  if (faults.length === 0 && path.startsWith('..')) faults.push("must not start with '..'")
  return invalidWhen(field, path, faults)
}

interface Item {
  readonly key: string
  readonly path: string
  readonly mode?: number | undefined
}

function validateItems(items: readonly Item[] = [], at: string): FieldError[] {
  return items.flatMap(({ key, path, mode }, i) => {
    const field = `${at}.items[${i}]`
    const errors = key === '' ? [fieldError.required(`${field}.key`)] : []
    return [...errors, ...validateFilePath(path, `${field}.path`), ...validateMode(mode, `${field}.mode`)]
  })
}

type DownwardFiles = NonNullable<Volume['downwardAPI']>['items']

function validateDownwardFiles(files: DownwardFiles = [], at: string): FieldError[] {
  return files.flatMap(({ path, fieldRef, resourceFieldRef, mode }, i) => {
    const field = `${at}.items[${i}]`
    const errors = validateFilePath(path, `${field}.path`)
    if (fieldRef) {
      errors.push(...validateFieldRef(fieldRef, `${field}.fieldRef`, 'volume'))
      if (resourceFieldRef) {
        const why = 'fieldRef and resourceFieldRef can not be specified simultaneously'
        errors.push(fieldError.invalid(field, 'resource', why))
      }
    } else if (resourceFieldRef) errors.push(...validateResourceFieldRef(resourceFieldRef, `${field}.resourceFieldRef`, true))
    else errors.push(fieldError.required(field, 'one of fieldRef and resourceFieldRef is required'))
    return [...errors, ...validateMode(mode, `${field}.mode`)]
  })
}

const tenMinutesInSeconds = 600

function validateProjected({ projected }: Volume, at: string): FieldError[] {
  const errors = validateMode(projected?.defaultMode, `${at}.defaultMode`)
  const paths = new Set<string>()
  const checkConflict = (path: string, field: string) => {
    if (path !== '' && paths.has(path)) errors.push(fieldError.invalid(field, path, 'conflicting duplicate paths'))
    paths.add(path)
  }
  for (const [i, source] of (projected?.sources ?? []).entries()) {
    const field = `${at}.sources[${i}]`
    const [first, ...more] = Object.keys(source).filter(key => source[key as keyof typeof source] !== undefined)
    if (first === undefined) errors.push(fieldError.required(field, 'must specify a projection type'))
    for (const extra of more) errors.push(fieldError.forbidden(`${field}.${extra}`, moreThanOne))
    const { secret, configMap, downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle } = source
    for (const [kind, map] of [
      ['secret', secret],
      ['configMap', configMap],
    ] as const) {
      if (!map) continue
      if (map.name === '') errors.push(fieldError.required(`${field}.${kind}.name`))
      errors.push(...validateItems(map.items, `${field}.${kind}`))
      for (const { path } of map.items ?? []) checkConflict(path, field)
    }
    if (downwardAPI) {
      errors.push(...validateDownwardFiles(downwardAPI.items, `${field}.downwardAPI`))
      for (const { path } of downwardAPI.items ?? []) checkConflict(path, field)
    }
    if (token) {
      const expiration = `${field}.serviceAccountToken.expirationSeconds`
      if (token.expirationSeconds < tenMinutesInSeconds) {
        errors.push(fieldError.invalid(expiration, token.expirationSeconds, 'may not specify a duration less than 10 minutes'))
      } else if (token.expirationSeconds > 2 ** 32) {
        const why = 'may not specify a duration larger than 2^32 seconds'
        errors.push(fieldError.invalid(expiration, token.expirationSeconds, why))
      }
      errors.push(...validateFilePath(token.path, `${field}.serviceAccountToken.path`))
      checkConflict(token.path, field)
    }
    if (bundle) {
      errors.push(...validateFilePath(bundle.path, `${field}.clusterTrustBundle.path`))
      checkConflict(bundle.path, field)
    }
  }
  return errors
}
