import type { Container, EphemeralContainer } from '../../../api/core/container.ts'
import type { PodSpec } from '../../../api/core/pod-spec.ts'

export type AnyContainer = Container | EphemeralContainer

/** A pod, or what pods will be made from. */
export interface PodLike {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> | undefined }
  readonly spec: PodSpec
}

/** What is wrong with a pod, in short, and where. */
export interface Violation {
  readonly reason: string
  readonly detail: string
}

type Judge = (pod: PodLike) => Violation | undefined

/** One rule of a standard, with all the forms that it has had. */
export interface Check {
  readonly id: string
  /** Baseline checks count for restricted pods as well. */
  readonly level: 'baseline' | 'restricted'
  /** The minor release from which on each form counts; in order. */
  readonly since: readonly (readonly [minor: number, judge: Judge])[]
  /** A baseline check that need not be made where this one is. */
  readonly replaces?: string
}

/** Init containers, containers, ephemeral containers: the order in which messages name them. */
export function allContainers({ initContainers = [], containers, ephemeralContainers = [] }: PodSpec): AnyContainer[] {
  return [...initContainers, ...containers, ...ephemeralContainers]
}

export const namesOf = (spec: PodSpec, isBad: (container: AnyContainer) => unknown): string[] =>
  allContainers(spec)
    .filter(isBad)
    .map(({ name }) => name)

/** `"a", "b"` */
export const quoted = (names: readonly string[]): string => `"${names.join('", "')}"`
export const plural = (singular: string, count: number): string => (count === 1 ? singular : `${singular}s`)
/** `container "a"`, `containers "a", "b"` */
export const containersText = (names: readonly string[]): string => `${plural('container', names.length)} ${quoted(names)}`
/** Each once, in order. */
export const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort()

/** `pod and containers "a", "b"`: who has said something that may not be. `undefined`: nobody. */
export function settersText(isPodBad: unknown, names: readonly string[], more?: string): string | undefined {
  const setters = [isPodBad && 'pod', names.length > 0 && containersText(names), more].filter(Boolean)
  return setters.length > 0 ? setters.join(' and ') : undefined
}
