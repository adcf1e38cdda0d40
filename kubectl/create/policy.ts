import { parseQuantity } from '../../api/quantity.ts'
import { parseLabelSelector } from '../../api/selectors.ts'
import { flag } from '../command.ts'
import type { Generator } from './generator.ts'

export const quota: Generator = {
  name: 'quota',
  aliases: ['resourcequota'],
  usage: 'quota NAME [--hard=cpu=1,pods=10] [--scopes=SCOPE,...]',
  flags: {
    hard: { type: 'string', help: 'How much of each resource: cpu=1,memory=1G,pods=2', placeholder: 'NAME=AMOUNT,...' },
    scopes: { type: 'string', help: 'Which objects it counts: BestEffort,Terminating' },
  },
  make(context, name) {
    const hard = (flag.text(context, 'hard')?.split(',') ?? []).map(text => {
      const [resource = '', amount, ...more] = text.split('=')
      if (amount === undefined || more.length > 0) {
        throw new Error(`Invalid argument syntax ${text}, expected <resource>=<value>`)
      }
      parseQuantity(amount)
      return [resource, amount]
    })
    const scopes = flag.text(context, 'scopes')?.split(',') ?? []
    if (scopes.includes('')) throw new Error('invalid resource quota scope ""')
    const spec = { ...(hard.length > 0 && { hard: Object.fromEntries(hard) }), ...(scopes.length > 0 && { scopes }) }
    return { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name }, spec }
  },
}

export const disruptionBudget: Generator = {
  name: 'poddisruptionbudget',
  aliases: ['pdb'],
  usage: 'poddisruptionbudget NAME --selector=LABELS (--min-available=N|N% | --max-unavailable=N|N%)',
  flags: {
    selector: { type: 'string', help: 'The labels of the pods: a=b,c=d' },
    'min-available': { type: 'string', help: 'So many must be left', placeholder: 'N|N%' },
    'max-unavailable': { type: 'string', help: 'So many may be missing', placeholder: 'N|N%' },
  },
  make(context, name) {
    const selector = flag.text(context, 'selector')
    const least = flag.text(context, 'min-available')
    const most = flag.text(context, 'max-unavailable')
    if (!selector) throw new Error('a selector must be specified')
    if (!least && !most) throw new Error('one of min-available or max-unavailable must be specified')
    if (least && most) throw new Error('min-available and max-unavailable cannot be both specified')
    const amount = (what: string, text: string) => {
      if (!/^\d+%?$/.test(text)) throw new Error(`invalid format specified for ${what}`)
      return text.endsWith('%') ? text : Number(text)
    }
    const limit = least
      ? { minAvailable: amount('min-available', least) }
      : { maxUnavailable: amount('max-unavailable', most ?? '') }
    const spec = { ...limit, selector: labelSelectorOf(selector) }
    return { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec }
  },
}

const operators: Readonly<Record<string, string>> = { in: 'In', notin: 'NotIn', exists: 'Exists', '!': 'DoesNotExist' }

/** A LabelSelector out of its text (meta/v1 ParseToLabelSelector). */
export function labelSelectorOf(text: string) {
  const matchLabels: Record<string, string> = {}
  const matchExpressions: object[] = []
  for (const { key, operator: sign, values } of parseLabelSelector(text)) {
    const operator = operators[sign]
    if (sign === '=') matchLabels[key] = values[0] ?? ''
    else if (!operator) throw new Error(`${JSON.stringify(sign)} is not a valid label selector operator`)
    else matchExpressions.push({ key, operator, ...(values.length > 0 && { values }) })
  }
  return {
    ...(Object.keys(matchLabels).length > 0 && { matchLabels }),
    ...(matchExpressions.length > 0 && { matchExpressions }),
  }
}

const preemptionPolicies = ['PreemptLowerPriority', 'Never']

export const priorityClass: Generator = {
  name: 'priorityclass',
  aliases: ['pc'],
  usage: 'priorityclass NAME --value=N [--global-default] [--description=TEXT]',
  flags: {
    value: { type: 'int', help: 'The priority: the higher, the sooner' },
    'global-default': { type: 'bool', help: 'For pods that name no class' },
    description: { type: 'string', help: 'What it is for' },
    'preemption-policy': { type: 'string', help: preemptionPolicies.join(' or '), placeholder: 'PreemptLowerPriority' },
  },
  make(context, name) {
    const description = flag.text(context, 'description')
    return {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name },
      ...(description && { description }),
      ...(flag.on(context, 'global-default') && { globalDefault: true }),
      preemptionPolicy: flag.text(context, 'preemption-policy') ?? 'PreemptLowerPriority',
      value: flag.number(context, 'value') ?? 0,
    }
  },
}
