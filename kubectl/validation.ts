import type { FieldValidation } from '../api/transport.ts'
import { type CommandContext, flag } from './command.ts'
import type { FlagSpecs } from './flags.ts'

/** What the server is to do about fields that it does not know. */
export const validationFlags = {
  validate: {
    type: 'string',
    bare: 'strict',
    help: 'strict (unknown fields are refused), warn or ignore',
    placeholder: 'strict',
  },
} as const satisfies FlagSpecs

const meanings: Readonly<Record<string, FieldValidation>> = {
  strict: 'Strict',
  true: 'Strict',
  warn: 'Warn',
  ignore: 'Ignore',
  false: 'Ignore',
}

/** The server's word for what `--validate` says. */
export function fieldValidationOf(context: Pick<CommandContext, 'flags'>): FieldValidation {
  const text = flag.text(context, 'validate') ?? 'strict'
  const meaning = meanings[text]
  if (!meaning) throw new Error(`invalid - validate option "${text}"; must be one of: strict (or true), warn, ignore (or false)`)
  return meaning
}
