import { ignore } from '../../api/errors.ts'
import { FlowSchema } from '../../api/flowcontrol/flow-schema.ts'
import { users } from '../../api/user.ts'
import type { Bell } from '../../lib/bell.ts'
import { timestamp } from '../../lib/clock.ts'
import type { Run } from '../../lib/run.ts'
import type { Followed, FollowOptions } from '../followed.ts'

interface Options extends FollowOptions {
  readonly schemas: Followed
  readonly levels: Followed
  /** Rings when one of them has changed. */
  readonly changed: Bell
}

type Condition = NonNullable<FlowSchema['status']['conditions']>[number]

/** Many come at once; they are written about when it is quiet again. */
const quietForMs = 100

/** Says in the status of every FlowSchema whether its level exists (k8s.io/apiserver/pkg/util/flowcontrol/apf_controller.go). */
export function dangling({ handle, clock, log, schemas, levels, changed }: Options): Run {
  const { group, version, plural } = FlowSchema

  async function write(schema: FlowSchema, condition: Condition): Promise<void> {
    const others = (schema.status.conditions ?? []).filter(({ type }) => type !== condition.type)
    const body = { ...schema, status: { ...schema.status, conditions: [...others, condition] } }
    const target = { group, version, resource: plural, name: schema.metadata.name, subresource: 'status' }
    const options = { fieldManager: 'api-priority-and-fairness-config-consumer-v1' }
    // One that has changed or gone meanwhile is seen again.
    await handle({ ...target, verb: 'update', body, options, user: users.apiServer }).catch(ignore('NotFound', 'Conflict'))
  }

  return async signal => {
    await Promise.race([Promise.all([schemas.synced, levels.synced]), clock.sleep(longestSyncInMs, signal)])
    while (!signal.aborted) {
      const woken = changed.wait(signal) // before looking, so that nothing that comes in between is missed
      for (const schema of schemas.byKey.values() as Iterable<FlowSchema>) {
        if (signal.aborted) break
        const { name } = schema.spec.priorityLevelConfiguration
        const condition = conditionOf(schema, name, levels.byKey.has(name), timestamp(clock.now()))
        try {
          if (condition) await write(schema, condition)
        } catch (err) {
          if (!signal.aborted) log.warn({ err, schema: schema.metadata.name }, 'the status of a flow schema could not be written')
        }
      }
      await woken
      await clock.sleep(quietForMs, signal)
    }
  }
}

/** Whoever cannot be listed for so long is looked at without. */
const longestSyncInMs = 60_000

/** What is to be said; undefined: it has been said. */
function conditionOf({ status }: FlowSchema, level: string, exists: boolean, now: string): Condition | undefined {
  const what = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`
  const said = exists
    ? ({ status: 'False', reason: 'Found', message: `${what} and it exists` } as const)
    : ({ status: 'True', reason: 'NotFound', message: `${what} but there is no such object` } as const)
  const before = status.conditions?.find(({ type }) => type === 'Dangling')
  if (before?.status === said.status && before.reason === said.reason && before.message === said.message) return undefined
  return { type: 'Dangling', ...said, lastTransitionTime: now }
}
