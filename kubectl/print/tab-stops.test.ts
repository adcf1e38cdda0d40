import { expect, test } from 'vitest'
import { layOut } from './tab-stops.ts'

test.each([
  ['cells above one another are equally wide', 'a\tb\nlong\tc', 'a     b\nlong  c'],
  ['what follows the last tab takes no part', 'a\tvery long\nb\tc\td', 'a  very long\nb  c  d'],
  ['a line without a tab ends a column', 'a\tb\nstop\nlonger\tc', 'a  b\nstop\nlonger  c'],
  ['columns further right end on their own', 'a\tb\tc\nd\te\nf\tlong\tg', 'a  b  c\nd  e\nf  long  g'],
  ['an empty cell is as wide as its neighbours', 'Labels:\ta=b\n\tc=d', 'Labels:  a=b\n         c=d'],
  ['characters count, not code units', '🚢\ta\nbc\td', '🚢   a\nbc  d'],
  ['nothing', '', ''],
])('%s', (_, text, expected) => {
  expect(layOut(text)).toBe(expected)
})
