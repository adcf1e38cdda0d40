import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { whyNoHosts } from './commands.ts'
import { type Host, type Hosts, hosts } from './hosts.ts'

const why = await whyNoHosts()
if (why) test(`no hosts can be made here, so nothing was shown of their networks: ${why}`, () => expect(why).toBeTypeOf('string'))
describe.runIf(!why)('pods of different hosts', () => {
  let world: Hosts
  const machines: Host[] = []
  beforeAll(async () => {
    world = await hosts()
    // Two on one link, one beyond a router.
    const places = [
      ['one', 0],
      ['two', 0],
      ['far', 1],
    ] as const
    machines.push(...(await Promise.all(places.map(([name, link]) => world.host(name, link)))))
    const token = await world.token()
    await Promise.all(machines.map(host => host.agent('--server', world.server, '--token', token)))
    for (const { name } of machines) await world.createPod(`on-${name}`, name)
    for (const { name } of machines) await world.ready(`on-${name}`)
  }, 180_000)
  afterAll(() => world?.[Symbol.asyncDispose]())

  const ipOf = async (pod: string) => (await world.pod(pod)).status.podIP ?? ''
  const fetched = async (from: string, to: string) => {
    const { output } = await world.exec(from, 'timeout', '5', 'wget', '-qO-', `http://${await ipOf(to)}:8080/`)
    return output.trim()
  }
  const reaches = (from: string, to: string) =>
    eventually(async () => expect(await fetched(from, to)).toBe(to), { timeoutInMs: 30_000, everyMs: 200 })

  test.each([
    ['on-one', 'on-two'],
    ['on-two', 'on-one'],
    ['on-one', 'on-far'],
    ['on-far', 'on-two'],
  ])('%s reaches %s by its address', async (from, to) => reaches(from, to))

  test('who is on the same link is reached by a plain route, who is not through a VXLAN', async () => {
    const [one] = machines
    const routes = await one?.sh('ip', 'route')
    const cidr = async (name: string) => (await world.node(name)).spec.podCIDR
    expect(routes).toContain(`${await cidr('two')} via ${machines[1]?.address} dev eth0`)
    expect(routes).toMatch(new RegExp(`${(await cidr('far'))?.replaceAll('.', '\\.')} via \\S+ dev wx`))
  })
})
