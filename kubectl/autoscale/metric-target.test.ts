import { expect, test } from 'vitest'
import { metricOf } from './metric-target.ts'

test.each([
  ['cpu', '70%', { type: 'Utilization', averageUtilization: 70 }],
  ['cpu', '500m', { type: 'AverageValue', averageValue: '500m' }],
  ['cpu', '500', { type: 'AverageValue', averageValue: '500m' }],
  ['cpu', '1500', { type: 'AverageValue', averageValue: '1500m' }],
  ['memory', '60%', { type: 'Utilization', averageUtilization: 60 }],
  ['memory', '200', { type: 'AverageValue', averageValue: '200Mi' }],
  ['memory', ' 1Gi ', { type: 'AverageValue', averageValue: '1Gi' }],
] as const)('--%s=%s', (name, text, target) => {
  expect(metricOf(name, text)).toEqual({ type: 'Resource', resource: { name, target } })
})

test.each([
  ['cpu', 'abc', 'invalid resource cpu value: abc'],
  ['cpu', '500xyz', 'invalid resource cpu value: 500xyz'],
  ['memory', '512MiB', 'invalid resource memory value: 512MiB'],
  ['cpu', '-5%', 'invalid percentage value: -5'],
  ['cpu', '5.5%', 'invalid percentage value: 5.5'],
] as const)('--%s=%s is refused', (name, text, message) => {
  expect(() => metricOf(name, text)).toThrow(message)
})
