import { expect, test } from 'vitest'
import { containerName } from './workload.ts'

test.each([
  ['nginx', 'nginx'],
  ['nginx:1.27', 'nginx'],
  ['example.org:5000/team/My_App:v1', 'my-app'],
  ['busybox@sha256:abc', 'busybox'],
])('a container of %s is called %s', (image, name) => {
  expect(containerName(image)).toBe(name)
})
