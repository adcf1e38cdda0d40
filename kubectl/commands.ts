import type { Command } from './command.ts'
import { apiResources, apiVersions } from './commands/api-resources.ts'
import { apply } from './commands/apply.ts'
import { auth } from './commands/auth.ts'
import { clusterInfo } from './commands/cluster-info.ts'
import { config } from './commands/config.ts'
import { describe } from './commands/describe.ts'
import { events } from './commands/events.ts'
import { exec } from './commands/exec.ts'
import { explain } from './commands/explain.ts'
import { get } from './commands/get.ts'
import { help } from './commands/help.ts'
import { logs } from './commands/logs.ts'
import { rollout } from './commands/rollout.ts'
import { version } from './commands/version.ts'
import { wait } from './commands/wait.ts'
import { why } from './commands/why.ts'

const verbs: readonly Command[] = [
  get,
  describe,
  logs,
  exec,
  events,
  why,
  apply,
  rollout,
  wait,
  explain,
  apiResources,
  apiVersions,
  clusterInfo,
  auth,
  config,
  version,
]

/** Every verb, in the order of the help page. */
export const commands: readonly Command[] = [...verbs, help(verbs)]
