import type { Definition, DefinitionVersion } from '../../api/apiextensions/definition.ts'
import { compareVersions } from './version-order.ts'

/** What who uses a version is told; undefined: nothing. */
export function deprecationWarning({ spec }: Definition, version: DefinitionVersion): string | undefined {
  if (!version.deprecated) return undefined
  if (version.deprecationWarning !== undefined) return version.deprecationWarning
  const { group, names, versions } = spec
  const text = `${group}/${version.name} ${names.kind} is deprecated`
  const [newest] = versions
    .filter(({ name, served, deprecated }) => served && !deprecated && compareVersions(name, version.name) < 0)
    .map(({ name }) => name)
    .sort(compareVersions)
  return newest === undefined ? text : `${text}; use ${group}/${newest} ${names.kind}`
}
