import type { Command } from './command.ts'
import { annotate } from './commands/annotate.ts'
import { apiResources, apiVersions } from './commands/api-resources.ts'
import { apply } from './commands/apply.ts'
import { attach } from './commands/attach.ts'
import { auth } from './commands/auth.ts'
import { autoscale } from './commands/autoscale.ts'
import { certificate } from './commands/certificate.ts'
import { clusterInfo } from './commands/cluster-info.ts'
import { config } from './commands/config.ts'
import { cordon, uncordon } from './commands/cordon.ts'
import { cp } from './commands/cp.ts'
import { create } from './commands/create.ts'
import { debug } from './commands/debug.ts'
import { deleteCommand } from './commands/delete.ts'
import { describe } from './commands/describe.ts'
import { diff } from './commands/diff.ts'
import { drain } from './commands/drain.ts'
import { edit } from './commands/edit.ts'
import { events } from './commands/events.ts'
import { exec } from './commands/exec.ts'
import { explain } from './commands/explain.ts'
import { expose } from './commands/expose.ts'
import { get } from './commands/get.ts'
import { help } from './commands/help.ts'
import { label } from './commands/label.ts'
import { logs } from './commands/logs.ts'
import { patch } from './commands/patch.ts'
import { portForward } from './commands/port-forward.ts'
import { replace } from './commands/replace.ts'
import { rollout } from './commands/rollout.ts'
import { run } from './commands/run.ts'
import { scale } from './commands/scale.ts'
import { schedule } from './commands/schedule.ts'
import { set } from './commands/set.ts'
import { taint } from './commands/taint.ts'
import { top } from './commands/top.ts'
import { version } from './commands/version.ts'
import { wait } from './commands/wait.ts'
import { why } from './commands/why.ts'

const verbs: readonly Command[] = [
  get,
  describe,
  logs,
  exec,
  attach,
  debug,
  portForward,
  cp,
  events,
  top,
  why,
  schedule,
  apply,
  create,
  deleteCommand,
  edit,
  patch,
  replace,
  diff,
  label,
  annotate,
  scale,
  autoscale,
  expose,
  set,
  run,
  rollout,
  wait,
  cordon,
  uncordon,
  drain,
  taint,
  explain,
  apiResources,
  apiVersions,
  clusterInfo,
  auth,
  certificate,
  config,
  version,
]

/** Every verb, in the order of the help page. */
export const commands: readonly Command[] = [...verbs, help(verbs)]
