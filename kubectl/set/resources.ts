import { type CommandContext, flag } from '../command.ts'
import { changePods, containersNamed } from './pod-template.ts'

/** `set resources deploy/web --limits=cpu=1,memory=1Gi --requests=cpu=100m`. */
export async function setResources(context: CommandContext, words: readonly string[]): Promise<number> {
  const limits = parseAmounts(flag.text(context, 'limits'))
  const requests = parseAmounts(flag.text(context, 'requests'))
  if (!limits && !requests)
    throw new Error('you must specify an update to requests or limits (in the form of --requests/--limits)')
  const pattern = flag.text(context, 'containers') ?? '*'
  return changePods(context, {
    words,
    outcome: 'resource requirements updated',
    change({ containers }) {
      const chosen = containersNamed(containers, pattern)
      if (chosen.length === 0) throw new Error(`unable to find container named ${JSON.stringify(pattern)}`)
      for (const container of chosen) {
        container.resources = {
          ...container.resources,
          ...(limits && { limits: without0({ ...container.resources?.limits, ...limits }) }),
          ...(requests && { requests: without0({ ...container.resources?.requests, ...requests }) }),
        }
      }
    },
  })
}

/** `cpu=1,memory=1Gi` */
export function parseAmounts(text: string | undefined): Record<string, string> | undefined {
  if (!text) return undefined
  return Object.fromEntries(
    text.split(',').map(pair => {
      const [name, amount, ...rest] = pair.split('=')
      if (!name || !amount || rest.length > 0)
        throw new Error(`invalid argument syntax ${JSON.stringify(pair)}, expected <resource>=<quantity>`)
      return [name, amount]
    }),
  )
}

/** An amount of 0 takes the entry away. */
const without0 = (amounts: Record<string, string>) =>
  Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount !== '0'))
