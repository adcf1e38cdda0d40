import { type Command, flag } from '../command.ts'
import { explainText } from '../explain/explain.ts'
import type { OpenApiDocument } from '../explain/schemas.ts'
import { UsageError } from '../flags.ts'
import type { Resource, ResourceMap } from '../resources.ts'

export const explain: Command = {
  name: 'explain',
  usage: 'explain TYPE[.FIELD...] [--recursive] [--api-version=GROUP/VERSION]',
  summary: 'Tells what a kind is and what its fields mean.',
  examples: ['wherry explain pods', 'wherry explain deploy.spec.strategy', 'wherry explain pods.spec.containers --recursive'],
  flags: {
    recursive: { type: 'bool', help: 'All fields below as well' },
    'api-version': { type: 'string', help: 'This version of the kind: apps/v1' },
    output: { type: 'string', short: 'o', help: 'plaintext', hidden: true },
  },
  async run(context) {
    const [word, ...more] = context.words
    if (word === undefined) {
      throw new UsageError(
        'You must specify the type of resource to explain. Use "wherry api-resources" for a complete list of supported resources.',
      )
    }
    if (more.length > 0) throw new UsageError('We accept only this format: explain RESOURCE')
    const session = await context.session()
    const { resource, path } = resourceAndPath(word, await session.resources(), flag.text(context, 'api-version'))
    const { group, version } = resource
    const document = await session.get(group ? `/openapi/v3/apis/${group}/${version}` : `/openapi/v3/api/${version}`)
    context.io.out(explainText(document as OpenApiDocument, resource, path, flag.on(context, 'recursive')))
    return 0
  },
}

/** Takes `deployments.apps.spec.replicas` apart: as much of it as names a resource, and the fields. */
function resourceAndPath(word: string, map: ResourceMap, apiVersion: string | undefined): { resource: Resource; path: string[] } {
  const parts = word.replace(/\.$/, '').split('.')
  const [name = '', ...fields] = parts
  if (apiVersion !== undefined) {
    const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
    const resource = map.all.find(
      each => each.group === group && each.version === version && named(each).includes(name.toLowerCase()),
    )
    if (!resource) throw new Error(`couldn't find resource for "${apiVersion}, Resource=${name}"`)
    return { resource, path: fields }
  }
  // A field may be called like a group only if nothing is called by the longer name.
  for (let length = parts.length; length > 1; length--) {
    try {
      return { resource: map.named(parts.slice(0, length).join('.')), path: parts.slice(length) }
    } catch {}
  }
  return { resource: map.named(name), path: fields }
}

const named = ({ resource, singular, shortNames, kind }: Resource) => [resource, singular, kind.toLowerCase(), ...shortNames]
