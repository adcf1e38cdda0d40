import type { Command, CommandContext } from '../command.ts'
import { setEnv } from '../set/env.ts'
import { setImage } from '../set/image.ts'
import { setFlags } from '../set/pod-template.ts'
import { setResources } from '../set/resources.ts'
import { setServiceAccount } from '../set/service-account.ts'

const verbs: Readonly<Record<string, (context: CommandContext, words: readonly string[]) => Promise<number>>> = {
  image: setImage,
  env: setEnv,
  resources: setResources,
  serviceaccount: setServiceAccount,
  sa: setServiceAccount,
}

export const set: Command = {
  name: 'set',
  usage: 'set (image | env | resources | serviceaccount) (TYPE NAME | TYPE/NAME...) ... [flags]',
  summary: 'Changes the pods that objects describe: their images, variables, resources, account.',
  examples: [
    'wherry set image deploy/web main=nginx:1.27',
    'wherry set env deploy/web COLOR=blue SIZE-',
    'wherry set env deploy/web --from=configmap/web',
    'wherry set resources deploy/web --limits=cpu=500m,memory=256Mi',
  ],
  flags: {
    ...setFlags,
    containers: { type: 'string', short: 'c', help: 'Only containers of this name or pattern', placeholder: '*' },
    env: { type: 'list', short: 'e', help: 'A variable and its value', placeholder: 'KEY=VALUE', hidden: true },
    from: { type: 'string', help: 'Variables for the keys of configmap/NAME or secret/NAME' },
    keys: { type: 'list', help: 'With --from: only these keys' },
    prefix: { type: 'string', help: 'With --from: what variables begin with' },
    overwrite: { type: 'bool', help: 'Change variables that are there (the default)' },
    list: { type: 'bool', help: 'Show the variables' },
    limits: { type: 'string', help: 'cpu=1,memory=1Gi' },
    requests: { type: 'string', help: 'cpu=100m,memory=256Mi' },
  },
  async run(context) {
    const [name = '', ...words] = context.words
    const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined
    if (!verb) throw new Error(`set what? One of ${Object.keys(verbs).slice(0, -1).join(', ')}`)
    return verb(context, words)
  },
}
