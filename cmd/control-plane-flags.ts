import { autoscalingFlagTable, autoscalingHelp, autoscalingOptions } from './autoscaling-flags.ts'
import type { ControlPlaneOptions } from './control-plane.ts'
import { enabledControllers } from './controller-names.ts'
import { electionFlagTable, electionHelp, electionTimes } from './election-flags.ts'
import { textFlags, truth, type Values } from './flags.ts'
import { allControllers } from './own-controllers.ts'

/** Flags about the controllers and the scheduler of a process that runs an API server too. */
export const controlPlaneFlagTable = {
  ...textFlags(['controllers', 'controller-manager', 'scheduler']),
  ...autoscalingFlagTable,
  ...electionFlagTable,
} as const

/** The part of a help text that is about these flags. */
export const controlPlaneHelp = `  --controllers LIST       which controllers run: * all of them, NAME this one, -NAME not this one, e.g. *,-deployment-controller
                           (default *; \`wherry controller-manager --help\` has their names)
  --controller-manager BOOL, --scheduler BOOL   whether they run in this process at all (default true)
${autoscalingHelp}${electionHelp}`

/** A list of controllers' names as `--controllers` takes it. Throws a UsageError about one that nobody has. */
export function controllerList(text: string): readonly string[] {
  const list = text.split(',').filter(Boolean)
  enabledControllers(allControllers(), list)
  return list
}

/** What the flags say. Throws a UsageError. */
export function controlPlaneOptions(values: Values<typeof controlPlaneFlagTable>): ControlPlaneOptions {
  const { controllers } = values
  const autoscaling = autoscalingOptions(values)
  const election = electionTimes(values)
  const isGiven = Object.keys(electionFlagTable).some(flag => values[flag as keyof typeof electionFlagTable] !== undefined)
  return {
    ...(controllers !== undefined && { controllers: controllerList(controllers) }),
    ...(!truth('controller-manager', values['controller-manager'] ?? 'true') && { withoutControllers: true }),
    ...(!truth('scheduler', values.scheduler ?? 'true') && { withoutScheduler: true }),
    ...(autoscaling && { autoscaling }),
    ...(isGiven && { election }),
  }
}
