import type { Definition } from '../../api/apiextensions/definition.ts'
import type { JsonSchemaProps } from '../../api/apiextensions/json-schema-props.ts'
import { fillDefaults } from '../../api/apiextensions/pruning.ts'
import type { AnyKind, StoredAs } from '../../api/kind.ts'
import type { KubeObject } from '../../api/transport.ts'
import { copy, deepEqual } from '../../lib/json.ts'
import type { ConvertElsewhere } from './conversion-webhook.ts'
import { shape } from './decoding.ts'

interface Options {
  readonly definition: Definition
  /** The version that is served here. */
  readonly version: string
  /** The version in which objects are kept, and the kind that stands for it in the store. */
  readonly storage: string
  readonly kept: AnyKind
  readonly schemas: ReadonlyMap<string, JsonSchemaProps>
  /** Asked when the definition says that a webhook converts. */
  readonly elsewhere: ConvertElsewhere | undefined
}

/**
 * How a custom resource gets from the version it is kept in to a served one. What is kept may have been written in any version, and
 * before the schema was what it is now: it is pruned and defaulted by the schema of the version it is in, then converted
 * (crdConversionRESTOptionsGetter in k8s.io/apiextensions-apiserver/pkg/apiserver/customresource_handler.go).
 */
export function customStorage(options: Options): StoredAs<KubeObject> {
  const { definition, version, storage, kept, schemas, elsewhere } = options
  const { group } = definition.spec
  const served = `${group}/${version}`
  const stored = `${group}/${storage}`

  function readable(object: KubeObject): KubeObject {
    const { apiVersion, kind, metadata, ...fields } = copy(object) as KubeObject & Record<string, unknown>
    const schema = schemas.get(versionOf(apiVersion))
    if (!schema) return object
    shape(fields, schema)
    fillDefaults(fields, schema)
    const made = { apiVersion, kind, metadata, ...fields }
    return deepEqual(made, object) ? object : made
  }

  function rewritten(object: KubeObject, apiVersion: string): KubeObject {
    const { kind, metadata, apiVersion: _former, ...fields } = copy(object) as KubeObject & Record<string, unknown>
    const schema = schemas.get(versionOf(apiVersion))
    if (schema) shape(fields, schema)
    return { apiVersion, kind, metadata, ...fields }
  }

  async function converted(objects: readonly KubeObject[], apiVersion: string): Promise<KubeObject[]> {
    const foreign = objects.filter(object => object.apiVersion !== apiVersion)
    if (!elsewhere || foreign.length === 0) {
      return objects.map(object => (object.apiVersion === apiVersion ? object : rewritten(object, apiVersion)))
    }
    const answers = (await elsewhere(foreign, apiVersion)).map(object => rewritten(object, apiVersion))
    const next = answers[Symbol.iterator]()
    return objects.map(object => (object.apiVersion === apiVersion ? object : (next.next().value ?? object)))
  }

  const asks = ({ apiVersion }: KubeObject) => elsewhere !== undefined && apiVersion !== served
  return {
    kind: kept,
    hasOwnRules: true,
    toStored(object) {
      if (object.apiVersion === stored) return object
      return elsewhere ? converted([object], stored).then(([only = object]) => only) : rewritten(object, stored)
    },
    fromStored(object) {
      const own = readable(object)
      if (own.apiVersion === served) return own
      return asks(own) ? converted([own], served).then(([only = own]) => only) : rewritten(own, served)
    },
    ...(elsewhere && { asks, allFromStored: objects => converted(objects.map(readable), served) }),
  }
}

const versionOf = (apiVersion: string) => apiVersion.slice(apiVersion.indexOf('/') + 1)
