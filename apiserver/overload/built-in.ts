import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
  suggestedFlowSchemas,
  suggestedPriorityLevels,
} from '../../api/flowcontrol/bootstrap-objects.ts'
import type { FlowControlSource, FlowSchemaLike, PriorityLevelLike } from './configuration.ts'

/** The levels and schemas that hold before anybody wrote any. Those called exempt and catch-all hold always. */
export const builtInSchemas = [...mandatoryFlowSchemas, ...suggestedFlowSchemas] as readonly FlowSchemaLike[]
/** The levels that hold until others are configured. */
export const builtInLevels: readonly PriorityLevelLike[] = [...mandatoryPriorityLevels, ...suggestedPriorityLevels]

/** What holds when nobody configured anything. */
export const builtIn: FlowControlSource = { schemas: () => builtInSchemas, levels: () => builtInLevels, version: () => 0 }
