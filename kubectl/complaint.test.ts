import { expect, test } from 'vitest'
import { ApiError } from '../api/errors.ts'
import { connectionError } from '../client/http-errors.ts'
import { complaint } from './complaint.ts'
import { UsageError } from './flags.ts'

const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
const invalid = (...causes: { field?: string; message: string }[]) =>
  new ApiError('Invalid', 'Pod "web" is invalid: [..]', { details: { kind: 'Pod', name: 'web', causes } })

test.each<[string, unknown, string]>([
  [
    'a slip on the command line',
    new UsageError('unknown flag: --x'),
    "error: unknown flag: --x\nSee 'wherry get --help' for usage.",
  ],
  ['any error', new Error('no such thing'), 'error: no such thing'],
  ["the server's", new ApiError('NotFound', 'pods "x" not found'), 'Error from server (NotFound): pods "x" not found'],
  ['no rights', new ApiError('Unauthorized', 'Unauthorized'), 'error: You must be logged in to the server (Unauthorized)'],
  ['a server that is busy', new ApiError('ServiceUnavailable', 'try later'), 'Error from server (ServiceUnavailable): try later'],
  [
    'no server here',
    connectionError(refused, '127.0.0.1:6443'),
    'The connection to the server 127.0.0.1:6443 was refused - is the cluster running? Start it with: wherry up',
  ],
  [
    'no server elsewhere',
    connectionError(refused, 'example.org:6443'),
    'The connection to the server example.org:6443 was refused - did you specify the right host or port?',
  ],
  [
    'one fault of an object',
    invalid({ field: 'spec.x', message: 'Required value' }),
    'The Pod "web" is invalid: spec.x: Required value (at spec.x)',
  ],
  [
    'several faults, each once',
    invalid({ field: 'a', message: 'one' }, { field: 'b', message: 'two' }, { field: 'a', message: 'one' }, { message: 'three' }),
    'The Pod "web" is invalid: \n* a: one (at a)\n* b: two (at b)\n* three',
  ],
])('%s', (_, error, expected) => {
  expect(complaint(error, { verb: 'get', placeOf: field => `at ${field}` })).toBe(expected)
})

test('says what was tried', () => {
  const error = new ApiError('Forbidden', 'pods is forbidden')
  expect(complaint(error, { doing: 'error when creating "a.yaml"' })).toBe(
    'Error from server (Forbidden): error when creating "a.yaml": pods is forbidden',
  )
})
