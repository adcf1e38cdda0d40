import { metadataCommand } from '../metadata-command.ts'

export const annotate = metadataCommand({
  verb: 'annotate',
  what: 'annotation',
  field: 'annotations',
  refusal: taken => `--overwrite is false but found the following declared annotation(s): ${taken}`,
  outcome: () => 'annotated',
  saysMissingKeys: false,
  examples: ["wherry annotate pod web-1 note='look here'", 'wherry annotate deploy web note-'],
})
