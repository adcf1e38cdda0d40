import { expect, test } from 'vitest'
import { parseArguments, UsageError } from './flags.ts'

const specs = {
  output: { type: 'string', short: 'o', help: '' },
  namespace: { type: 'string', short: 'n', help: '' },
  filename: { type: 'list', short: 'f', help: '' },
  watch: { type: 'bool', short: 'w', help: '' },
  stdin: { type: 'bool', short: 'i', help: '' },
  tty: { type: 'bool', short: 't', help: '' },
  replicas: { type: 'int', help: '' },
  cascade: { type: 'string', bare: 'background', help: '' },
} as const

test.each<[string, unknown, string[], string[]?]>([
  ['get pods -o json', { output: 'json' }, ['get', 'pods']],
  ['get pods -ojson', { output: 'json' }, ['get', 'pods']],
  ['get -o=json pods', { output: 'json' }, ['get', 'pods']],
  ['--output=json', { output: 'json' }, []],
  ['-nx get', { namespace: 'x' }, ['get']],
  ['get --watch=false', { watch: false }, ['get']],
  ['get -w pods', { watch: true }, ['get', 'pods']],
  ['apply -f a -f b --filename=c', { filename: ['a', 'b', 'c'] }, ['apply']],
  ['apply -f -', { filename: ['-'] }, ['apply']],
  ['exec -it web -- sh -c ls', { stdin: true, tty: true }, ['exec', 'web'], ['sh', '-c', 'ls']],
  ['exec -itn x web', { stdin: true, tty: true, namespace: 'x' }, ['exec', 'web']],
  ['scale --replicas=0 web', { replicas: 0 }, ['scale', 'web']],
  ['delete --cascade x', { cascade: 'background' }, ['delete', 'x']],
  ['delete --cascade=orphan x', { cascade: 'orphan' }, ['delete', 'x']],
])('%s', (line, flags, words, afterDash) => {
  expect(parseArguments(line.split(' '), specs)).toEqual({ flags, words, ...(afterDash && { afterDash }) })
})

test.each([
  ['--nope', 'unknown flag: --nope'],
  ['-x', "unknown shorthand flag: 'x' in -x"],
  ['-wx', "unknown shorthand flag: 'x' in -wx"],
  ['--output', 'flag needs an argument: --output'],
  ['-o', "flag needs an argument: 'o' in -o"],
  ['--replicas=many', 'invalid argument "many" for "--replicas" flag: it must be a whole number'],
  ['--watch=perhaps', 'invalid argument "perhaps" for "--watch" flag: it is either true or false'],
])('%s is refused', (line, message) => {
  expect(() => parseArguments([line], specs)).toThrow(new UsageError(message))
})
