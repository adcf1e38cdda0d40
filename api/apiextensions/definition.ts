import type { JsonSchemaProps } from './json-schema-props.ts'

/** The parts of a CustomResourceDefinition that rules look at. */

/** What a custom kind is called. */
export interface Names {
  readonly plural: string
  readonly singular?: string
  readonly shortNames?: readonly string[]
  readonly kind: string
  readonly listKind?: string
  readonly categories?: readonly string[]
}

/** A column of the kind's tables. */
export interface PrinterColumn {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description?: string
  readonly priority?: number
  readonly jsonPath: string
}

/** Which of status and scale a version has. */
export interface Subresources {
  readonly status?: object
  readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string; readonly labelSelectorPath?: string }
}

/** One version of a custom kind. */
export interface DefinitionVersion {
  readonly name: string
  readonly served: boolean
  readonly storage: boolean
  readonly deprecated?: boolean
  readonly deprecationWarning?: string
  readonly schema?: { readonly openAPIV3Schema?: JsonSchemaProps }
  readonly subresources?: Subresources
  readonly additionalPrinterColumns?: readonly PrinterColumn[]
  readonly selectableFields?: readonly { readonly jsonPath: string }[]
}

/** How the webhook is reached that converts between versions; `caBundle` is PEM in base64. */
export interface ConversionClient {
  readonly url?: string
  readonly service?: { readonly namespace: string; readonly name: string; readonly path?: string; readonly port?: number }
  readonly caBundle?: string
}

/** How objects get from one version to another. */
export interface Conversion {
  readonly strategy: string
  readonly webhook?: { readonly clientConfig?: ConversionClient; readonly conversionReviewVersions?: readonly string[] }
}

/** An aspect of a definition's state. */
export interface DefinitionCondition {
  readonly type: string
  readonly status: string
  readonly lastTransitionTime?: string
  readonly reason?: string
  readonly message?: string
}

/** A CustomResourceDefinition as those see it who serve it. */
export interface Definition {
  readonly metadata: {
    readonly name: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly deletionTimestamp?: string
    readonly finalizers?: readonly string[]
  }
  readonly spec: {
    readonly group: string
    readonly names: Names
    readonly scope: string
    readonly versions: readonly DefinitionVersion[]
    readonly conversion?: Conversion
    readonly preserveUnknownFields?: boolean
  }
  readonly status: {
    readonly conditions?: readonly DefinitionCondition[]
    readonly acceptedNames: Names
    readonly storedVersions?: readonly string[]
  }
}

/** Holds a definition that is being deleted until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

/** Whether a condition holds. */
export const isTrue = ({ conditions = [] }: Definition['status'], type: string): boolean =>
  conditions.some(condition => condition.type === type && condition.status === 'True')

/** The conditions with one that is set or replaced; its time only moves when its status does. `now` as RFC 3339. */
export function withCondition(
  conditions: readonly DefinitionCondition[],
  next: DefinitionCondition,
  now: string,
): DefinitionCondition[] {
  const old = conditions.find(({ type }) => type === next.type)
  const stamped = { ...next, lastTransitionTime: old?.status === next.status ? (old.lastTransitionTime ?? now) : now }
  return old ? conditions.map(condition => (condition === old ? stamped : condition)) : [...conditions, stamped]
}

/** The version in which objects are kept. */
export const storageVersionOf = ({ versions }: Definition['spec']): string => versions.find(({ storage }) => storage)?.name ?? ''
