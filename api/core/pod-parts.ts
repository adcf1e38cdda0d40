import { copy, deepEqual } from '../../lib/json.ts'
import { changedPaths } from '../changed-paths.ts'
import { type FieldError, fieldError } from '../field-errors.ts'
import type { SpecPart } from '../kind.ts'
import { qosClassOf } from '../placement/qos.ts'
import type { Container } from './container.ts'
import type { PodSpec } from './pod-spec.ts'
import { validatePodSpec } from './pod-spec-validation.ts'
import type { PodObject } from './pod-status.ts'

/** A pod that stands for a file of its node. */
const mirrorAnnotation = 'kubernetes.io/config.mirror'
const isStatic = ({ metadata }: PodObject) => metadata.annotations?.[mirrorAnnotation] !== undefined

type Written = Record<string, unknown>
const isObject = (value: unknown): value is Written => typeof value === 'object' && value !== null && !Array.isArray(value)
const specOf = (body: unknown): Written => (isObject(body) && isObject(body.spec) ? body.spec : {})

/** pods/x/ephemeralcontainers: more of them may come, none may change or go (pkg/apis/core/validation ValidatePodEphemeralContainersUpdate). */
export const ephemeralContainersPart: SpecPart<PodObject> = {
  narrow(body, old) {
    const { ephemeralContainers } = specOf(body)
    const { ephemeralContainers: _old, ...spec } = old.spec
    return { ...spec, ...(ephemeralContainers !== undefined && { ephemeralContainers }) }
  },
  validate(pod, old) {
    if (isStatic(old)) return [fieldError.forbidden('', 'static pods do not support ephemeral containers')]
    const field = 'spec.ephemeralContainers'
    const errors = validatePodSpec(pod.spec, 'spec')
    for (const before of old.spec.ephemeralContainers ?? []) {
      const name = JSON.stringify(before.name)
      const now = pod.spec.ephemeralContainers?.find(each => each.name === before.name)
      if (!now) errors.push(fieldError.forbidden(field, `existing ephemeral containers ${name} may not be removed\n`))
      else if (!deepEqual(before, now)) {
        const changes = changedPaths(before, now, before.name).map(change => `  ${change}`)
        errors.push(
          fieldError.forbidden(field, `existing ephemeral containers ${name} may not be changed\n${changes.join('\n')}`),
        )
      }
    }
    return errors
  },
}

/** pods/x/resize: cpu and memory of containers that run (pkg/apis/core/validation ValidatePodResize). */
export const resizePart: SpecPart<PodObject> = {
  narrow(body, old) {
    const given = specOf(body)
    const containers = resized(given.containers, old.spec.containers)
    const initContainers = resized(given.initContainers, old.spec.initContainers ?? [])
    // Who adds, removes or reorders containers is told so by the validation.
    if (!containers || !initContainers) return given
    return { ...old.spec, containers, ...(old.spec.initContainers && { initContainers }) }
  },
  validate(pod, old) {
    const { spec } = pod
    if ([spec, old.spec].some(hasPodLevelResources)) {
      return [fieldError.forbidden('', 'pods with pod-level resources cannot be resized')]
    }
    if (isStatic(old)) return [fieldError.forbidden('', 'static pods cannot be resized')]
    if (old.spec.os?.name === 'windows') return [fieldError.forbidden('', 'windows pods cannot be resized')]
    const errors = validatePodSpec(spec, 'spec')
    if (qosClassOf(spec) !== (old.status.qosClass ?? qosClassOf(old.spec))) {
      errors.push(fieldError.invalid('spec', pod.status.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing'))
    }
    if (!canBeResized(old)) errors.push(fieldError.forbidden('spec', 'Pod running on node without support for resize'))
    const order = [...orderErrors(spec, old.spec, 'containers'), ...orderErrors(spec, old.spec, 'initContainers')]
    if (order.length > 0) return [...errors, ...order]
    return [...errors, ...removals(spec, old.spec), ...otherChanges(spec, old.spec)]
  },
}

/** A kubelet that resizes says of each running container what it has. */
function canBeResized({ status }: PodObject): boolean {
  const running = status.containerStatuses?.find(({ state }) => state.running !== undefined)
  return running === undefined || running.resources !== undefined
}

function hasPodLevelResources({ resources }: PodSpec): boolean {
  return Object.keys({ ...resources?.requests, ...resources?.limits }).length > 0
}

/** The old containers with the resources that were given; `undefined` if they are not the same containers in the same order. */
function resized(given: unknown, old: readonly Container[]): unknown[] | undefined {
  const list = Array.isArray(given) ? (given as unknown[]) : []
  if (list.length !== old.length) return undefined
  const isSame = list.every((each, i) => isObject(each) && each.name === old[i]?.name)
  if (!isSame) return undefined
  return old.map((container, i) => {
    const { resources, resizePolicy } = list[i] as Written
    const { resources: _resources, resizePolicy: _policy, ...rest } = container
    return { ...rest, ...(resources !== undefined && { resources }), ...(resizePolicy !== undefined && { resizePolicy }) }
  })
}

function orderErrors(spec: PodSpec, old: PodSpec, field: 'containers' | 'initContainers'): FieldError[] {
  const [now = [], before = []] = [spec[field], old[field]]
  if (now.length !== before.length) {
    return [fieldError.forbidden(`spec.${field}`, `${field} may not be added or removed on resize`)]
  }
  return before.flatMap(({ name }, i) =>
    now[i]?.name === name
      ? []
      : [fieldError.forbidden(`spec.${field}[${i}].name`, `${field} may not be renamed or reordered on resize`)],
  )
}

const isSidecar = ({ restartPolicy }: Container) => restartPolicy === 'Always'

/** What asked for an amount must go on asking for one. */
function removals(spec: PodSpec, old: PodSpec): FieldError[] {
  const errors: FieldError[] = []
  const check = (field: 'containers' | 'initContainers', concerns: (container: Container) => boolean) => {
    for (const [i, before] of (old[field] ?? []).entries()) {
      if (!concerns(before)) continue
      for (const what of ['requests', 'limits'] as const) {
        const now = spec[field]?.[i]?.resources?.[what] ?? {}
        const isGone = Object.keys(before.resources?.[what] ?? {}).some(name => !(name in now))
        if (isGone)
          errors.push(fieldError.forbidden(`spec.${field}[${i}].resources.${what}`, `resource ${what} cannot be removed`))
      }
    }
  }
  check('initContainers', isSidecar)
  check('containers', () => true)
  return errors
}

function otherChanges(spec: PodSpec, old: PodSpec): FieldError[] {
  const comparable = copy(spec) as PodSpec
  const errors: FieldError[] = []
  const compare = (now: readonly Container[] = [], before: readonly Container[] = [], why: (container: Container) => string) => {
    for (const [i, container] of now.entries()) {
      const was = before[i]
      if (!was) continue
      const mayResize = why !== whyInit || isSidecar(was)
      const same = mayResize ? withoutAmounts(container, was) : container
      if (!deepEqual(same, was)) errors.push(fieldError.forbidden('spec', why(was)))
    }
  }
  compare(comparable.containers, old.containers, () => 'only cpu and memory resources are mutable')
  compare(comparable.initContainers, old.initContainers, whyInit)
  if (errors.length > 0) return errors
  const { containers: _now, initContainers: _nowInit, ...rest } = comparable
  const { containers: _old, initContainers: _oldInit, ...oldRest } = old
  return deepEqual(rest, oldRest) ? [] : [fieldError.forbidden('spec', 'only cpu and memory resources are mutable')]
}

const whyInit = (container: Container) =>
  isSidecar(container)
    ? 'only cpu and memory resources for sidecar containers are mutable'
    : 'resources for non-sidecar init containers are immutable'

/** The container with cpu and memory put back to what they were. */
function withoutAmounts(container: Container, was: Container): Container {
  const list = (what: 'requests' | 'limits') => {
    const before = was.resources?.[what]
    if (!before) return undefined
    const { cpu: _cpu, memory: _memory, ...rest } = container.resources?.[what] ?? {}
    return {
      ...rest,
      ...(before.cpu !== undefined && { cpu: before.cpu }),
      ...(before.memory !== undefined && { memory: before.memory }),
    }
  }
  const [requests, limits] = [list('requests'), list('limits')]
  const { claims } = was.resources ?? {}
  const resources = { ...(requests && { requests }), ...(limits && { limits }), ...(claims && { claims }) }
  const isEmpty = Object.keys(resources).length === 0
  const { resources: _resources, ...rest } = container
  return { ...rest, ...(!(isEmpty && was.resources === undefined) && { resources }) } as Container
}
