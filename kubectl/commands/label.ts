import { metadataCommand } from '../metadata-command.ts'

export const label = metadataCommand({
  verb: 'label',
  what: 'label',
  field: 'labels',
  refusal: taken => `${taken}, and --overwrite is false`,
  outcome(before, after, isOverwriting) {
    const [old, fresh] = [JSON.stringify(Object.entries(before).sort()), JSON.stringify(Object.entries(after).sort())]
    if (old === fresh) return 'not labeled'
    // kubectl goes by the length as well, except where values may change.
    return !isOverwriting && fresh.length < old.length ? 'unlabeled' : 'labeled'
  },
  saysMissingKeys: true,
  examples: ['wherry label pod web-1 tier=front', 'wherry label nodes --all disk=ssd', 'wherry label pod web-1 tier-'],
})
