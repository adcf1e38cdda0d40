import { expect, test } from 'vitest'
import { parseTokenFile } from './token-file.ts'

test('a token file names tokens and whose they are', () => {
  expect(parseTokenFile('t1,ann,u1,"devs,ops"\n\n# nobody\nt2, bob ,\nt3,eve,u3,devs\n')).toEqual([
    { token: 't1', user: { name: 'ann', uid: 'u1', groups: ['devs', 'ops'] } },
    { token: 't2', user: { name: 'bob', groups: [] } },
    { token: 't3', user: { name: 'eve', uid: 'u3', groups: ['devs'] } },
  ])
  expect(() => parseTokenFile('t1,ann,u1\nt2\n')).toThrow('line 2 is not of the form token,user,uid,"group1,group2"')
})
