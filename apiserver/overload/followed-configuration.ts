import type { AnyKind } from '../../api/kind.ts'
import { bell } from '../../lib/bell.ts'
import { type Run, runAll } from '../../lib/run.ts'
import { type FollowOptions, followed } from '../followed.ts'
import { builtIn } from './built-in.ts'
import type { FlowControlSource, FlowSchemaLike, PriorityLevelLike } from './configuration.ts'
import { dangling } from './dangling.ts'

const group = 'flowcontrol.apiserver.k8s.io'

/**
 * The configuration that the server's own objects are, so far as those kinds are among the served ones; what is built in until
 * somebody has written some.
 */
export function followedConfiguration(
  kinds: readonly AnyKind[],
  options: FollowOptions,
): { readonly source: FlowControlSource; readonly run: Run | undefined } {
  const kindOf = (name: string) => kinds.find(kind => kind.group === group && kind.kind === name && !kind.storedAs)
  const schemaKind = kindOf('FlowSchema')
  const levelKind = kindOf('PriorityLevelConfiguration')
  if (!schemaKind || !levelKind) return { source: builtIn, run: undefined }
  const changed = bell()
  const schemas = followed(schemaKind, options, () => changed.ring())
  const levels = followed(levelKind, options, () => changed.ring())
  const isConfigured = () => schemas.byKey.size > 0 && levels.byKey.size > 0
  return {
    source: {
      schemas: () => (isConfigured() ? ([...schemas.byKey.values()] as readonly FlowSchemaLike[]) : builtIn.schemas()),
      levels: () => (isConfigured() ? ([...levels.byKey.values()] as readonly PriorityLevelLike[]) : builtIn.levels()),
      version: () => schemas.version + levels.version,
    },
    run: signal =>
      runAll(
        [
          ['flow schemas', schemas.run],
          ['priority levels', levels.run],
          ['dangling flow schemas', dangling({ ...options, schemas, levels, changed })],
        ],
        signal,
      ),
  }
}
