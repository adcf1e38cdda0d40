import { type FieldError, fieldError } from '../field-errors.ts'
import { descendingPath, headerName, labelName, portName, portNumber, variableName } from '../names.ts'
import { invalidWhen, nonNegative, portNumberOrName, requiredName, supported } from '../validation.ts'
import type { Container, EnvFromSource, EnvVar, EphemeralContainer, VolumeMount } from './container.ts'
import { validateFieldRef, validateResourceFieldRef } from './downward-validation.ts'
import type { PodSpec } from './pod-spec.ts'
import type { LifecycleHandler, Probe } from './probe.ts'
import { validateResources } from './resource-validation.ts'
import { validateInitRestart, validateRestart, validateStopSignal } from './restart-validation.ts'
import { validateSecurityContext } from './security-validation.ts'
import { validateKeyRef } from './volume-validation.ts'

type AnyContainer = Container | EphemeralContainer

const probes = ['livenessProbe', 'readinessProbe', 'startupProbe'] as const
const onlySidecars = 'may not be set for init containers without restartPolicy=Always'

/** All containers of a pod or template (pkg/apis/core/validation ValidatePodSpec and what it calls). */
export function validateContainers(spec: PodSpec, at: string): FieldError[] {
  const { containers, initContainers = [], ephemeralContainers = [] } = spec
  const errors: FieldError[] = []
  if (containers.length === 0) errors.push(fieldError.required(`${at}.containers`))
  const names = new Set<string>()
  const checkName = ({ name }: AnyContainer, field: string) => {
    if (name !== '' && names.has(name)) errors.push(fieldError.duplicate(`${field}.name`, name))
    names.add(name)
  }
  for (const [i, container] of containers.entries()) {
    const field = `${at}.containers[${i}]`
    errors.push(
      ...validateContainer(container, spec, field),
      ...validateRunning(container, spec, field),
      ...validateRestart(container, field),
    )
    checkName(container, field)
  }
  errors.push(...validateHostPorts(containers, `${at}.containers`))
  for (const [i, container] of initContainers.entries()) {
    const field = `${at}.initContainers[${i}]`
    errors.push(...validateContainer(container, spec, field), ...validateInitRestart(container, field))
    if (container.restartPolicy === 'Always') errors.push(...validateRunning(container, spec, field))
    else {
      for (const name of ['lifecycle', ...probes] as const) {
        if (container[name]) errors.push(fieldError.forbidden(`${field}.${name}`, onlySidecars))
      }
    }
    checkName(container, field)
  }
  errors.push(...validateHostPorts(initContainers, `${at}.initContainers`))
  for (const [i, container] of ephemeralContainers.entries()) {
    const field = `${at}.ephemeralContainers[${i}]`
    errors.push(...validateEphemeral(container, spec, field))
    checkName(container, field)
  }
  return errors
}

const forbiddenInEphemeral = ['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resizePolicy'] as const

function validateEphemeral(container: EphemeralContainer, spec: PodSpec, field: string): FieldError[] {
  const errors = validateContainer(container, spec, field)
  const { targetContainerName: target } = container
  const others = [...spec.containers, ...(spec.initContainers ?? [])]
  if (target && !others.some(({ name }) => name === target))
    errors.push(fieldError.notFound(`${field}.targetContainerName`, target))
  for (const name of forbiddenInEphemeral) {
    if (container[name]) errors.push(fieldError.forbidden(`${field}.${name}`, 'cannot be set for an Ephemeral Container'))
  }
  if (container.resources.limits || container.resources.requests) {
    errors.push(fieldError.forbidden(`${field}.resources`, 'cannot be set for an Ephemeral Container'))
  }
  return errors
}

function validateContainer(container: AnyContainer, spec: PodSpec, field: string): FieldError[] {
  const { name, image, terminationMessagePolicy, imagePullPolicy } = container
  const errors = requiredName(`${field}.name`, name, labelName)
  if (image === '') errors.push(fieldError.required(`${field}.image`))
  else if (image.trim() !== image) {
    errors.push(fieldError.invalid(`${field}.image`, image, 'must not have leading or trailing whitespace'))
  }
  errors.push(...supported(`${field}.terminationMessagePolicy`, terminationMessagePolicy, ['File', 'FallbackToLogsOnError']))
  errors.push(...validatePorts(container, spec, `${field}.ports`))
  for (const [i, variable] of (container.env ?? []).entries()) errors.push(...validateVariable(variable, `${field}.env[${i}]`))
  for (const [i, source] of (container.envFrom ?? []).entries()) errors.push(...validateEnvFrom(source, `${field}.envFrom[${i}]`))
  errors.push(...validateMounts(container, spec, field))
  errors.push(...supported(`${field}.imagePullPolicy`, imagePullPolicy, ['Always', 'IfNotPresent', 'Never']))
  errors.push(...validateResources(container.resources, `${field}.resources`))
  for (const [i, { name: claim }] of (container.resources.claims ?? []).entries()) {
    if (spec.resourceClaims?.some(each => each.name === claim)) continue
    errors.push(
      claim === ''
        ? fieldError.required(`${field}.resources.claims[${i}]`)
        : fieldError.notFound(`${field}.resources.claims[${i}]`, claim),
    )
  }
  if (container.securityContext)
    errors.push(...validateSecurityContext(container.securityContext, spec, `${field}.securityContext`))
  return errors
}

/** What only containers that keep running may have. */
function validateRunning(container: Container, spec: PodSpec, field: string): FieldError[] {
  const { lifecycle } = container
  const { terminationGracePeriodSeconds: grace } = spec
  const errors = validateStopSignal(lifecycle?.stopSignal, spec, `${field}.lifecycle.stopSignal`)
  for (const hook of ['postStart', 'preStop'] as const) {
    const handler = lifecycle?.[hook]
    if (handler) errors.push(...validateHandler(handler, `${field}.lifecycle.${hook}`, grace))
  }
  for (const name of probes) {
    const probe = container[name]
    if (probe) errors.push(...validateProbe(probe, `${field}.${name}`, name))
  }
  return errors
}

function validateProbe(probe: Probe, field: string, name: (typeof probes)[number]): FieldError[] {
  const errors = validateHandler(probe, field)
  const counts = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const
  for (const count of counts) errors.push(...nonNegative(`${field}.${count}`, probe[count]))
  const { terminationGracePeriodSeconds: grace, successThreshold } = probe
  if (grace !== undefined && grace <= 0) {
    errors.push(fieldError.invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
  }
  if (name === 'readinessProbe') {
    if (grace !== undefined) {
      errors.push(fieldError.invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'))
    }
  } else if (successThreshold !== 1) {
    errors.push(fieldError.invalid(`${field}.successThreshold`, successThreshold, 'must be 1'))
  }
  return errors
}

/** Exactly one handler, and a sound one. */
function validateHandler(handler: Probe | LifecycleHandler, field: string, graceInSeconds = 30): FieldError[] {
  const errors: FieldError[] = []
  const given = (['exec', 'httpGet', 'tcpSocket', 'grpc', 'sleep'] as const).filter(name => name in handler)
  if (given.length === 0) errors.push(fieldError.required(field, 'must specify a handler type'))
  for (const extra of given.slice(1)) {
    errors.push(fieldError.forbidden(`${field}.${extra}`, 'may not specify more than 1 handler type'))
  }
  const [first] = given
  const { exec, httpGet, tcpSocket } = handler
  if (first === 'exec' && !exec?.command?.length) errors.push(fieldError.required(`${field}.exec.command`))
  if (first === 'httpGet' && httpGet) {
    const at = `${field}.httpGet`
    if (httpGet.path === '') errors.push(fieldError.required(`${at}.path`))
    errors.push(...portNumberOrName(`${at}.port`, httpGet.port), ...supported(`${at}.scheme`, httpGet.scheme, ['HTTP', 'HTTPS']))
    for (const header of httpGet.httpHeaders ?? [])
      errors.push(...invalidWhen(`${at}.httpHeaders`, header.name, headerName(header.name)))
  }
  if (first === 'tcpSocket' && tcpSocket) errors.push(...portNumberOrName(`${field}.tcpSocket.port`, tcpSocket.port))
  if ('grpc' in handler && first === 'grpc' && handler.grpc) {
    errors.push(...invalidWhen(`${field}.grpc.port`, handler.grpc.port, portNumber(handler.grpc.port)))
  }
  if ('sleep' in handler && first === 'sleep' && handler.sleep) {
    const { seconds } = handler.sleep
    const why = `must be non-negative and less than terminationGracePeriodSeconds (${graceInSeconds})`
    if (seconds < 0 || seconds > graceInSeconds) errors.push(fieldError.invalid(`${field}.sleep`, seconds, why))
  }
  return errors
}

function validatePorts({ ports = [] }: AnyContainer, spec: PodSpec, at: string): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  for (const [i, { name = '', containerPort, hostPort, protocol }] of ports.entries()) {
    const field = `${at}[${i}]`
    if (name) {
      errors.push(...invalidWhen(`${field}.name`, name, portName(name)))
      if (names.has(name)) errors.push(fieldError.duplicate(`${field}.name`, name))
      names.add(name)
    }
    if (containerPort === 0) errors.push(fieldError.required(`${field}.containerPort`))
    else errors.push(...invalidWhen(`${field}.containerPort`, containerPort, portNumber(containerPort)))
    if (hostPort !== undefined) errors.push(...invalidWhen(`${field}.hostPort`, hostPort, portNumber(hostPort)))
    errors.push(...supported(`${field}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']))
    if (spec.hostNetwork && hostPort !== undefined && hostPort !== containerPort) {
      errors.push(fieldError.invalid(`${field}.hostPort`, hostPort, 'must match `containerPort` when `hostNetwork` is true'))
    }
  }
  return errors
}

/** No two containers may want the same port of the node. */
function validateHostPorts(containers: readonly Container[], at: string): FieldError[] {
  if (containers.length === 0) return []
  const errors: FieldError[] = []
  const taken = new Set<string>()
  for (const [i, { ports = [] }] of containers.entries()) {
    for (const [j, { hostPort, hostIP = '', protocol }] of ports.entries()) {
      if (!hostPort) continue
      const use = `${protocol}/${hostIP}/${hostPort}`
      if (taken.has(use)) errors.push(fieldError.duplicate(`${at}[${i}].ports[${j}].hostPort`, use))
      taken.add(use)
    }
  }
  return errors
}

function validateVariable({ name, value, valueFrom }: EnvVar, field: string): FieldError[] {
  const errors = name === '' ? [fieldError.required(`${field}.name`)] : invalidWhen(`${field}.name`, name, variableName(name))
  if (!valueFrom) return errors
  const at = `${field}.valueFrom`
  const given = Object.values(valueFrom).filter(source => source !== undefined).length
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, `${at}.fieldRef`, 'env'))
  if (resourceFieldRef) errors.push(...validateResourceFieldRef(resourceFieldRef, `${at}.resourceFieldRef`, false))
  if (configMapKeyRef) errors.push(...validateKeyRef(configMapKeyRef, `${at}.configMapKeyRef`))
  if (secretKeyRef) errors.push(...validateKeyRef(secretKeyRef, `${at}.secretKeyRef`))
  if (given === 0) {
    errors.push(
      fieldError.invalid(at, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'),
    )
  }
  if (value && given > 0) errors.push(fieldError.invalid(at, '', 'may not be specified when `value` is not empty'))
  else if (given > 1) errors.push(fieldError.invalid(at, '', 'may not have more than one field specified at a time'))
  return errors
}

function validateEnvFrom({ prefix, configMapRef, secretRef }: EnvFromSource, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (prefix) errors.push(...invalidWhen(`${field}.prefix`, prefix, variableName(prefix)))
  if (configMapRef?.name === '') errors.push(fieldError.required(`${field}.configMapRef.name`))
  if (secretRef?.name === '') errors.push(fieldError.required(`${field}.secretRef.name`))
  if (!configMapRef && !secretRef) {
    errors.push(fieldError.invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'))
  } else if (configMapRef && secretRef) {
    errors.push(fieldError.invalid(field, '', 'may not have more than one field specified at a time'))
  }
  return errors
}

const propagations = ['Bidirectional', 'HostToContainer', 'None']

function validateMounts(container: AnyContainer, spec: PodSpec, at: string): FieldError[] {
  const errors: FieldError[] = []
  const paths = new Set<string>()
  const devices = new Set((container.volumeDevices ?? []).map(({ devicePath }) => devicePath))
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const field = `${at}.volumeMounts[${i}]`
    const { name, mountPath } = mount
    if (name === '') errors.push(fieldError.required(`${field}.name`))
    if (mountPath === '') errors.push(fieldError.required(`${field}.mountPath`))
    if (!spec.volumes?.some(volume => volume.name === name)) errors.push(fieldError.notFound(`${field}.name`, name))
    if (paths.has(mountPath)) errors.push(fieldError.invalid(`${field}.mountPath`, mountPath, 'must be unique'))
    paths.add(mountPath)
    if (devices.has(mountPath)) {
      errors.push(fieldError.invalid(`${field}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'))
    }
    errors.push(...validateSubPath(mount, field))
    errors.push(...supported(`${field}.mountPropagation`, mount.mountPropagation, propagations))
    if (mount.mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
      const why = 'Bidirectional mount propagation is available only to privileged containers'
      errors.push(fieldError.forbidden(`${field}.mountPropagation`, why))
    }
  }
  errors.push(...validateDevices(container, spec, `${at}.volumeDevices`))
  return errors
}

function validateSubPath({ subPath, subPathExpr }: VolumeMount, field: string): FieldError[] {
  const errors: FieldError[] = []
  if (subPath) errors.push(...invalidWhen(`${field}.subPath`, subPath, descendingPath(subPath)))
  if (subPathExpr) {
    if (subPath) {
      errors.push(fieldError.invalid(`${field}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
    }
    errors.push(...invalidWhen(`${field}.subPathExpr`, subPathExpr, descendingPath(subPathExpr)))
  }
  return errors
}

function validateDevices({ volumeDevices = [] }: AnyContainer, spec: PodSpec, at: string): FieldError[] {
  if (volumeDevices.length === 0) return []
  const errors: FieldError[] = []
  const paths = new Set<string>()
  for (const [i, { name, devicePath }] of volumeDevices.entries()) {
    const field = `${at}[${i}]`
    const volume = spec.volumes?.find(each => each.name === name)
    if (name === '') errors.push(fieldError.required(`${field}.name`))
    else if (!volume) errors.push(fieldError.notFound(`${field}.name`, name))
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
      errors.push(fieldError.invalid(`${field}.name`, name, why))
    }
    if (devicePath === '') errors.push(fieldError.required(`${field}.devicePath`))
    else if (paths.has(devicePath)) errors.push(fieldError.invalid(`${field}.devicePath`, devicePath, 'must be unique'))
    paths.add(devicePath)
  }
  return errors
}
