import { readFileSync } from 'node:fs'
import { mkdir, readlink, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Pod } from '../../api/core/pod.ts'
import { RuntimeClass } from '../../api/node/runtime-class.ts'
import type { TestCluster } from '../support/cluster.ts'
import { engineCall } from '../support/engine.ts'
import { eventually } from '../support/eventually.ts'
import { engineSend, type ImageFile, makeImage, shell } from '../support/images.ts'
import { type PodSpec, type RealPods, realCluster, realPods } from '../support/real-pods.ts'
import { whoAmI } from '../support/who-am-i.ts'

/** What pods may do, shown on real containers: each field does what it says, or the pod is told why not. */

let cluster: TestCluster
let pods: RealPods
const removals: (() => Promise<unknown>)[] = []
const usersImage = 'wherry-test/users:1'

const passwd = 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1500:app:/:/bin/sh\n'
const group = 'root:x:0:\napp:x:1500:\nextra:x:4000:app,other\nothers:x:4001:other\n7777:x:0:\n'

beforeAll(async () => {
  cluster = await realCluster({ podCIDR: '10.187.0.0/16' })
  pods = await realPods(cluster, 'security')
  const files = [
    { path: 'etc/passwd', content: passwd },
    { path: 'etc/group', content: group },
    { path: 'bin/whoami-by-setuid', content: whoAmI(), mode: 0o4755 },
  ]
  removals.push(await makeImage(usersImage, { config: shell, files }))
  for (const [tag, User] of Object.entries({
    named: 'app',
    grouped: '1000:4001',
    root: '00',
    odd: 'nobody-knows',
    far: '99999999999',
  }))
    removals.push(await makeImage(`wherry-test/users:${tag}`, { config: { ...shell, User }, files }))
})
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]()
  for (const remove of removals) await remove()
})

let count = 0
const newName = (title: string) => `${title}-${++count}`

/** Runs a script to its end and answers what it said. */
const output = async (script: string, container: object = {}, spec: PodSpec = {}, metadata: object = {}) =>
  (await pods.output(newName('out'), { ...spec, container: { command: ['sh', '-c', script], ...container } }, metadata)).trim()

/** Waits until the one container of a pod waits for this reason, and answers its message. */
async function waiting(reason: string, container: object, spec: PodSpec = {}): Promise<string> {
  const name = newName('waits')
  await pods.pod(name, { ...spec, container: { command: ['sleep', '60'], ...container } })
  const state = await eventually(
    async () => {
      const { status } = await pods.get(name)
      const [only] = status.containerStatuses ?? []
      expect(only?.state?.waiting?.reason ?? JSON.stringify(status)).toBe(reason)
      return only?.state?.waiting?.message ?? ''
    },
    { timeoutInMs: 30_000 },
  )
  await pods.remove(name, 0)
  return state
}

/** Waits until the kubelet has refused a pod for this reason, and answers what it said. */
async function refused(reason: string, spec: PodSpec, metadata: object = {}): Promise<string> {
  const name = newName('refused')
  await pods.pod(name, { container: { command: ['sleep', '60'] }, ...spec }, metadata)
  const { status } = await pods.phase(name, 'Failed')
  expect(status.reason).toBe(reason)
  return status.message ?? ''
}

/** The message of the event that tells why there is no sandbox. */
async function noSandbox(spec: PodSpec): Promise<string> {
  const name = newName('sandboxless')
  await pods.pod(name, { container: { command: ['sleep', '60'] }, ...spec })
  const message = await eventually(
    async () => {
      const found = (await pods.events(name)).find(event => event.startsWith('FailedCreatePodSandBox: '))
      expect(found).toBeDefined()
      return found ?? ''
    },
    { timeoutInMs: 30_000 },
  )
  expect((await pods.get(name)).status.phase).toBe('Pending')
  await pods.remove(name, 0)
  return message.replace('FailedCreatePodSandBox: Failed to create pod sandbox: ', '')
}

/** At once: `pods.pod` would try for a while. */
const invalid = ({ container = {}, ...spec }: PodSpec) => {
  const containers = [{ name: 'main', image: 'busybox:1.36', ...container }]
  const metadata = { name: newName('invalid'), namespace: pods.namespace }
  return expect(cluster.client.create(Pod, { metadata, spec: { ...spec, containers } } as never)).rejects
}

describe('who containers run as', () => {
  test.each<[string, object, object, string]>([
    ['root, unless somebody says otherwise', {}, {}, '0 0 [0]'],
    ['a user, with the groups the image gives it', { runAsUser: 1000 }, {}, '1000 1500 [1500 4000]'],
    ['a user and a group', { runAsUser: 1000, runAsGroup: 3000 }, {}, '1000 3000 [3000 4000]'],
    ['a group alone', { runAsGroup: 3000 }, {}, '0 3000 [3000]'],
    ['a user that the image does not know', { runAsUser: 2222 }, {}, '2222 0 [0]'],
    ['the container’s word over the pod’s', { runAsUser: 1000 }, { runAsUser: 5, runAsGroup: 6 }, '1000 6 [6 4000]'],
    ['more groups', { runAsUser: 1000 }, { supplementalGroups: [2000], fsGroup: 2001 }, '1000 1500 [1500 2000 2001 4000]'],
    ['Merge, by name', { runAsUser: 1000 }, { supplementalGroupsPolicy: 'Merge', fsGroup: 9 }, '1000 1500 [9 1500 4000]'],
    ['Strict: only the user’s own', { runAsUser: 1000 }, { supplementalGroupsPolicy: 'Strict' }, '1000 1500 [1500]'],
    [
      'Strict: only what the pod says',
      { runAsUser: 1000, runAsGroup: 3000 },
      { supplementalGroupsPolicy: 'Strict', supplementalGroups: [2000], fsGroup: 2001 },
      '1000 3000 [2000 2001 3000]',
    ],
  ])('%s', async (_title, own, ofPod, expected) => {
    const name = newName('id')
    const container = { image: usersImage, command: ['sh', '-c', 'sleep 1; id -u; id -g; id -G'], securityContext: own }
    await pods.pod(name, { restartPolicy: 'Never', container, securityContext: ofPod })
    const running = await pods.ready(name)
    await pods.phase(name, 'Succeeded')
    const [uid, gid, all = ''] = (await pods.logs(name)).trim().split('\n')
    const groups = [...new Set(all.split(' ').map(Number))].sort((a, b) => a - b)
    expect(`${uid} ${gid} [${groups.join(' ')}]`).toBe(expected)
    expect(running.status.containerStatuses?.[0]?.user?.linux).toEqual({
      uid: Number(uid),
      gid: Number(gid),
      supplementalGroups: groups,
    })
  })

  test.each([
    ['named', '1000 1500'],
    ['grouped', '1000 1500'],
    ['root', '0 0'],
  ])('the image’s user: %s', async (tag, expected) => {
    expect(await output('echo $(id -u) $(id -g)', { image: `wherry-test/users:${tag}` })).toBe(expected)
  })

  test.each([
    ['odd', /unable to find user nobody-knows/],
    ['far', /uids and gids must be in range|unable to find user/],
  ])('an image whose user cannot be: %s', async (tag, message) => {
    const name = newName('odd-user')
    await pods.pod(name, { container: { image: `wherry-test/users:${tag}`, command: ['sleep', '60'] } })
    await eventually(
      async () => {
        const state = JSON.stringify((await pods.get(name)).status.containerStatuses?.[0])
        expect(state).toMatch(message)
      },
      { timeoutInMs: 30_000 },
    )
    await pods.remove(name, 0)
  })

  test('runAsNonRoot keeps root out, and whoever cannot be told from root', async () => {
    const securityContext = { runAsNonRoot: true }
    const refuse = (image: string, more: object = {}) =>
      waiting('CreateContainerConfigError', { image, securityContext: { ...securityContext, ...more } })
    expect(await refuse(usersImage)).toMatch(/^container has runAsNonRoot and image will run as root \(pod: /)
    expect(await refuse('wherry-test/users:root')).toMatch(/^container has runAsNonRoot and image will run as root \(pod: /)
    expect(await refuse('wherry-test/users:named')).toMatch(/non-numeric user \(app\), cannot verify user is non-root/)
    expect(await refuse(usersImage, { runAsUser: 0 })).toMatch(/^container's runAsUser breaks non-root policy/)
    expect(await output('id -u', { image: 'wherry-test/users:grouped', securityContext })).toBe('1000')
    expect(await output('id -u', { securityContext: { ...securityContext, runAsUser: 7 } })).toBe('7')
  })

  test('an image cannot pass another group for the one that is asked for', async () => {
    const message = await waiting(
      'CreateContainerError',
      { image: usersImage },
      { securityContext: { supplementalGroups: [7777] } },
    )
    expect(message).toBe('the image has a group 0 that is named "7777": group 7777 cannot be had in it')
  })
})

describe('what containers may do', () => {
  const capabilities = (securityContext: object) =>
    output("grep CapEff /proc/self/status | cut -f2 | sed 's/^0*//'", { securityContext })
  const all = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'))

  test.each<[string, object, string]>([
    ['what Docker gives everybody', {}, 'a80425fb'],
    ['nothing', { drop: ['ALL'] }, ''],
    ['nothing but one', { drop: ['ALL'], add: ['NET_BIND_SERVICE'] }, '400'],
    ['the same with its prefix', { drop: ['CAP_CHOWN'], add: ['CAP_NET_ADMIN'] }, 'a80435fa'],
  ])('capabilities: %s', async (_title, wanted, expected) => {
    expect(await capabilities({ capabilities: wanted })).toBe(expected)
  })

  test('a capability that there is not', async () => {
    const securityContext = { capabilities: { add: ['FLY'] } }
    expect(await waiting('CreateContainerError', { securityContext })).toMatch(/CAP_FLY/)
  })

  test('privileged: every capability, the node’s devices, no seccomp, nothing of /proc hidden', async () => {
    const ours = BigInt(`0x${/CapEff:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]}`)
    if (ours !== (1n << BigInt(all + 1)) - 1n) {
      console.log(
        'this machine lacks capabilities, so that its engine cannot run anything privileged; shown is that the pod is told',
      )
      const name = newName('powerless')
      const container = { command: ['true'], securityContext: { privileged: true } }
      await pods.pod(name, { restartPolicy: 'Never', container })
      const { status } = await pods.phase(name, 'Failed')
      expect(status.containerStatuses?.[0]?.state?.terminated).toMatchObject({
        reason: 'ContainerCannotRun',
        message: expect.stringContaining('unable to apply caps'),
      })
      return
    }
    const script =
      'grep -E "CapEff|Seccomp:" /proc/self/status; ls /dev | wc -l; grep -c " /proc/" /proc/mounts; mkdir -p /m; mount -t tmpfs x /m && echo mounted'
    const [capEff = '', seccomp, devices, masks, mounted] = (
      await output(`(${script}) 2>&1 || true`, { securityContext: { privileged: true } })
    ).split('\n')
    const [plainCaps, , plainDevices, plainMasks, notMounted] = (await output(`(${script}) 2>&1 || true`)).split('\n')
    expect(BigInt(`0x${capEff.split('\t')[1]}`)).toBe(ours)
    expect(seccomp).toMatch(/\b0$/)
    expect(Number(devices)).toBeGreaterThan(Number(plainDevices))
    expect([Number(masks), mounted]).toEqual([0, 'mounted'])
    expect(plainCaps).toMatch(/a80425fb$/)
    expect(Number(plainMasks)).toBeGreaterThan(3)
    expect(notMounted).toMatch(/permission denied/)
  })

  test('allowPrivilegeEscalation: a setuid program gives root, or it does not', async () => {
    const run = (more: object) =>
      output('whoami-by-setuid; echo $?; grep NoNewPrivs /proc/self/status', {
        image: usersImage,
        securityContext: { runAsUser: 1000, ...more },
      })
    expect(await run({})).toBe('0\nNoNewPrivs:\t0')
    expect(await run({ allowPrivilegeEscalation: true })).toBe('0\nNoNewPrivs:\t0')
    expect(await run({ allowPrivilegeEscalation: false })).toBe(`${1000 % 256}\nNoNewPrivs:\t1`)
    await invalid({ container: { securityContext: { privileged: true, allowPrivilegeEscalation: false } } }).toThrow(
      'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    )
  })

  test('readOnlyRootFilesystem: only volumes can be written to', async () => {
    const script = 'for f in /x /etc/x /data/x /dev/shm/x; do touch $f 2>/dev/null && echo $f; done; true'
    const volumes = [{ name: 'data', emptyDir: {} }]
    const volumeMounts = [{ name: 'data', mountPath: '/data' }]
    const run = (readOnlyRootFilesystem: boolean) =>
      output(script, { volumeMounts, securityContext: { readOnlyRootFilesystem } }, { volumes })
    expect(await run(true)).toBe('/data/x\n/dev/shm/x')
    expect(await run(false)).toBe('/x\n/etc/x\n/data/x\n/dev/shm/x')
  })
})

describe('what the kernel keeps from containers', () => {
  const seccomp = (own?: object, ofPod?: object) =>
    output('grep Seccomp: /proc/self/status', own && { securityContext: { seccompProfile: own } }, {
      ...(ofPod && { securityContext: { seccompProfile: ofPod } }),
    })

  test('seccomp: nothing unless asked for, the runtime’s own, or none', async () => {
    expect(await seccomp()).toBe('Seccomp:\t0')
    expect(await seccomp({ type: 'RuntimeDefault' })).toBe('Seccomp:\t2')
    expect(await seccomp(undefined, { type: 'RuntimeDefault' })).toBe('Seccomp:\t2')
    expect(await seccomp({ type: 'Unconfined' }, { type: 'RuntimeDefault' })).toBe('Seccomp:\t0')
  })

  test('seccomp: a profile of the node', async () => {
    const folder = join(cluster.nodesDir, 'node-1', 'seccomp', 'profiles')
    await mkdir(folder, { recursive: true })
    const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }] }
    await writeFile(join(folder, 'no-mkdir.json'), JSON.stringify(profile))
    await writeFile(join(folder, 'broken.json'), '{')
    const use = (localhostProfile: string) => ({ securityContext: { seccompProfile: { type: 'Localhost', localhostProfile } } })
    expect(await output('mkdir /x 2>&1; touch /y && echo still here', use('profiles/no-mkdir.json'))).toBe(
      "mkdir: can't create directory '/x': Operation not permitted\nstill here",
    )
    expect(await waiting('CreateContainerError', use('profiles/none.json'))).toMatch(
      /^cannot load seccomp profile ".*\/seccomp\/profiles\/none\.json": open .*none\.json: no such file or directory$/,
    )
    expect(await waiting('CreateContainerError', use('profiles/broken.json'))).toMatch(
      /^cannot load seccomp profile .*it is no JSON$/,
    )
    await invalid({ container: use('../../x.json') }).toThrow("must not contain '..'")
    await invalid({ container: use('/etc/x.json') }).toThrow('must be a relative path')
  })

  test('AppArmor: refused, as this engine does not have it', async () => {
    const message = 'Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host'
    expect(await refused('AppArmor', { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } })).toBe(message)
    const container = { securityContext: { appArmorProfile: { type: 'Localhost', localhostProfile: 'tight' } } }
    expect(await refused('AppArmor', { container })).toBe(message)
    const annotations = { 'container.apparmor.security.beta.kubernetes.io/main': 'runtime/default' }
    expect(await refused('AppArmor', {}, { annotations })).toBe(message)
    expect(await output('echo fine', { securityContext: { appArmorProfile: { type: 'Unconfined' } } })).toBe('fine')
  })

  test('SELinux labels are of no consequence where there is no SELinux', async () => {
    expect(await output('echo fine', { securityContext: { seLinuxOptions: { type: 'container_t', level: 's0:c1,c2' } } })).toBe(
      'fine',
    )
  })

  test('procMount: what Docker hides stays hidden; more only with user namespaces, which Docker does not have', async () => {
    expect(await output('wc -c < /proc/timer_list; touch /proc/sys/kernel/x 2>&1; true')).toMatch(/^0\n/)
    const unmasked = { securityContext: { procMount: 'Unmasked' } }
    await invalid({ container: unmasked }).toThrow('`hostUsers` must be false to use `Unmasked`')
    const why = "can't set `spec.hostUsers: false`, runtime does not support user namespaces"
    expect(await noSandbox({ hostUsers: false, container: { ...unmasked, command: ['sleep', '60'] } })).toBe(why)
    expect(await output('echo fine', {}, { hostUsers: true })).toBe('fine')
  })
})

describe('kernel parameters', () => {
  const set = (name: string, value: string) => ({ securityContext: { sysctls: [{ name, value }] } })

  test('harmless ones are set, in both ways of writing them', async () => {
    const path = '/proc/sys/net/ipv4/ip_unprivileged_port_start'
    expect(await output(`cat ${path}`, {}, set('net.ipv4.ip_unprivileged_port_start', '80'))).toBe('80')
    expect(await output(`cat ${path}`, {}, set('net/ipv4/ip_unprivileged_port_start', '81'))).toBe('81')
    expect(await output('cat /proc/sys/kernel/shm_rmid_forced', {}, set('kernel.shm_rmid_forced', '1'))).toBe('1')
  })

  test('others are refused by the kubelet', async () => {
    const rejected = 'Pod was rejected: forbidden sysctl: '
    expect(await refused('SysctlForbidden', set('kernel.msgmax', '65536'))).toBe(`${rejected}"kernel.msgmax" not allowlisted`)
    expect(await refused('SysctlForbidden', set('vm/swappiness', '1'))).toBe(`${rejected}"vm.swappiness" not allowlisted`)
  })

  test('none of the node’s own', async () => {
    await invalid({ ...set('net.ipv4.tcp_syncookies', '1'), hostNetwork: true }).toThrow(
      "may not be specified when 'hostNetwork' is true",
    )
    await invalid({ ...set('kernel.shm_rmid_forced', '1'), hostIPC: true }).toThrow("may not be specified when 'hostIPC' is true")
  })
})

describe('what pods share with the node', () => {
  const namespaces = async (spec: PodSpec) =>
    (await output('for n in net pid ipc uts; do readlink /proc/self/ns/$n; done', {}, spec)).split('\n')
  const ofNode = () => Promise.all(['net', 'pid', 'ipc', 'uts'].map(name => readlink(`/proc/self/ns/${name}`)))

  test.each<[PodSpec, boolean[]]>([
    [{}, [false, false, false, false]],
    [{ hostNetwork: true }, [true, false, false, true]],
    [{ hostPID: true }, [false, true, false, false]],
    [{ hostIPC: true }, [false, false, true, false]],
    [{ hostNetwork: true, hostPID: true, hostIPC: true }, [true, true, true, true]],
  ])('namespaces of a pod with %j', async (spec, shared) => {
    const node = await ofNode()
    expect((await namespaces(spec)).map((namespace, i) => namespace === node[i])).toEqual(shared)
  })

  test('a port of the node', async () => {
    const name = newName('port')
    const ports = [{ containerPort: 8080, hostPort: 38_417, hostIP: '127.0.0.1' }]
    const command = ['sh', '-c', 'echo hello > /tmp/x; exec httpd -f -p 8080 -h /tmp']
    await pods.pod(name, { container: { command, ports } })
    await pods.ready(name)
    const page = () =>
      new Promise((resolve, reject) => {
        get('http://127.0.0.1:38417/x', answer => answer.setEncoding('utf8').once('data', resolve)).on('error', reject)
      })
    expect(await eventually(page)).toBe('hello\n')
    await pods.remove(name, 0)
  })

  test('shareProcessNamespace: the pod’s own process is the first, and buries the dead', async () => {
    const name = newName('shared')
    // The inner shell leaves a child behind, which then belongs to process 1.
    const orphan = { name: 'orphan', command: ['sh', '-c', '(sleep 1 & ); exec sleep 60'] }
    const look = { name: 'look', command: ['sleep', '60'] }
    await pods.pod(name, { shareProcessNamespace: true, containers: [orphan, look] })
    await pods.ready(name)
    const seen = (
      await pods.exec(name, 'for p in /proc/[0-9]*; do echo $(cat $p/comm) $(cut -d" " -f3 $p/stat) ${p#/proc/}; done', 'look')
    ).stdout
    expect(seen).toMatch(/^pause \w 1$/m)
    await eventually(
      async () => {
        const { stdout } = await pods.exec(name, 'cat /proc/[0-9]*/stat | cut -d" " -f2,3', 'look')
        expect(stdout.match(/\(sleep\)/g)).toHaveLength(2)
        expect(stdout).not.toMatch(/ Z$/m)
      },
      { timeoutInMs: 20_000 },
    )
    const apart = newName('apart')
    await pods.pod(apart, { containers: [orphan, look] })
    await pods.ready(apart)
    expect((await pods.exec(apart, 'cat /proc/1/comm', 'look')).stdout).toBe('sleep\n')
    await pods.remove(name, 0)
    await pods.remove(apart, 0)
  })
})

describe('images that mean no good', () => {
  const image = async (title: string, config: object, files: ImageFile[] = []) => {
    const name = `wherry-test/hostile:${title}`
    removals.push(await makeImage(name, { config: { ...shell, ...config }, files }))
    return name
  }

  test('neither program nor argument', async () => {
    const bad = await image('nothing', { Cmd: null, Entrypoint: null })
    const name = newName('nothing')
    await pods.pod(name, { container: { image: bad } })
    await eventually(
      async () => {
        const { waiting: state } = (await pods.get(name)).status.containerStatuses?.[0]?.state ?? {}
        expect(state).toEqual({ reason: 'CreateContainerError', message: 'No command specified' })
      },
      { timeoutInMs: 30_000 },
    )
    await pods.remove(name, 0)
  })

  test('a huge environment, a thousand ports and a health check', async () => {
    const config = {
      Env: ['PATH=/bin', ...Array.from({ length: 500 }, (_, i) => `V${i}=${'x'.repeat(2000)}`), 'NOVALUE'],
      ExposedPorts: Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${i + 1}/tcp`, {}])),
      Healthcheck: { Test: ['CMD-SHELL', 'touch /checked'], Interval: 1_000_000_000 },
    }
    const name = newName('greedy')
    await pods.pod(name, {
      container: { image: await image('greedy', config), command: ['sh', '-c', 'sleep 3; ls /checked; sleep 60'] },
    })
    await pods.ready(name)
    const [id] = await idsOf(name)
    const info = await engineCall<{ State: object; Config: { Env: string[] } }>('GET', `/containers/${id}/json`)
    expect(info.State).not.toHaveProperty('Health')
    await eventually(async () => expect(await pods.logs(name)).toContain('No such file'), { timeoutInMs: 20_000 })
    await pods.remove(name, 0)
  })

  test.each([
    ['a link', '/link'],
    ['a file', '/etc/passwd'],
    ['a way out', '/../../../../proc/1/root'],
  ])('a working directory that is %s', async (title, WorkingDir) => {
    const bad = await image(title.replaceAll(' ', '-'), { WorkingDir }, [{ path: 'link', link: '/../../../../etc' }])
    const name = newName('workdir')
    await pods.pod(name, {
      restartPolicy: 'Never',
      container: { image: bad, command: ['sh', '-c', 'pwd -P; cat hostname 2>&1 || true'] },
    })
    const end = await eventually(
      async () => {
        const { status } = await pods.get(name)
        const state = status.containerStatuses?.[0]?.state
        expect(status.phase === 'Succeeded' || status.phase === 'Failed' || state?.waiting?.message !== undefined).toBe(true)
        return status
      },
      { timeoutInMs: 30_000 },
    )
    if (end.phase === 'Succeeded') expect(await pods.logs(name)).not.toContain(hostname())
    else expect(JSON.stringify(end.containerStatuses)).toMatch(/not a directory|chdir|cannot|file exists|mkdir/i)
    await pods.remove(name, 0)
  })

  test('volumes of the image go with the container', async () => {
    const bad = await image('volumes', { Volumes: { '/one': {}, '/two': {} } })
    const volumes = async () => (await engineCall<{ Volumes: { Name: string }[] | null }>('GET', '/volumes')).Volumes ?? []
    const name = newName('volumes')
    await pods.pod(name, { container: { image: bad, command: ['sh', '-c', 'echo x > /one/x; sleep 60'] } })
    await pods.ready(name)
    const [id] = await idsOf(name)
    const { Mounts } = await engineCall<{ Mounts: { Type: string; Name: string }[] }>('GET', `/containers/${id}/json`)
    const own = Mounts.filter(({ Type }) => Type === 'volume').map(mount => mount.Name)
    expect(own).toHaveLength(2)
    await pods.remove(name, 0)
    await eventually(async () => expect((await volumes()).filter(volume => own.includes(volume.Name))).toEqual([]), {
      timeoutInMs: 30_000,
    })
  })

  test.each(['GARBAGE', '99', 'SIGKILL; rm -rf /'])('the stop signal %s', async StopSignal => {
    const name = newName('signal')
    const bad = await image(`signal-${name}`, { StopSignal })
    await pods.pod(name, { container: { image: bad, command: ['sleep', '600'] } })
    await pods.ready(name)
    await pods.remove(name, 1)
  })

  const imitation = (more: object = {}) => ({
    'wherry.dev/role': 'init',
    'wherry.dev/traits': 'hostPID hostNetwork',
    'wherry.dev/annotation/wherry.dev/termination-message-file': '/etc/hostname',
    'wherry.dev/annotation/io.kubernetes.container.restartCount': '77',
    'io.kubernetes.container.restartCount': '88',
    'io.kubernetes.pod.uid': 'stolen',
    'io.kubernetes.container.name': 'other',
    ...more,
  })

  test('labels of an image do not count as the kubelet’s', async () => {
    const bad = await image('labels', { Labels: imitation() })
    const name = newName('labels')
    await pods.pod(name, {
      restartPolicy: 'Never',
      container: { image: bad, command: ['true'], terminationMessagePath: '/dev/end' },
    })
    const { status } = await pods.phase(name, 'Succeeded')
    expect(status.containerStatuses).toMatchObject([
      { name: 'main', restartCount: 0, state: { terminated: { exitCode: 0, reason: 'Completed' } } },
    ])
    expect(status.containerStatuses?.[0]?.state?.terminated?.message).toBeUndefined()
    expect(status.initContainerStatuses ?? []).toEqual([])
  })

  test('somebody else’s container is left alone, whatever the labels of its image say', async () => {
    const name = newName('victim')
    await pods.pod(name, { container: { command: ['sleep', '600'] } })
    const { metadata } = await pods.ready(name)
    const [id = ''] = await idsOf(name)
    const { Config } = await engineCall<{ Config: { Labels: Record<string, string> } }>('GET', `/containers/${id}/json`)
    // The same labels to the last, but of another container of that pod, and once of a pod that nobody knows.
    const twin = { ...Config.Labels, 'wherry.dev/attempt': '5' }
    const orphan = { ...Config.Labels, 'io.kubernetes.pod.uid': 'nobody', 'io.kubernetes.pod.name': 'nobody' }
    const foreign: string[] = []
    for (const [i, Labels] of [twin, orphan].entries()) {
      const made = await engineSend<{ Id: string }>('/containers/create', {
        Image: await image(`twin-${i}`, { Labels, Cmd: ['sleep', '600'] }),
      })
      foreign.push(made.Id)
      await engineCall('POST', `/containers/${made.Id}/start`)
    }
    await pods.ready(name)
    await pods.remove(name, 0)
    for (const other of foreign) {
      const { State } = await engineCall<{ State: { Running: boolean } }>('GET', `/containers/${other}/json`)
      expect(State.Running).toBe(true)
      await engineCall('DELETE', `/containers/${other}?force=1&v=1`)
    }
    expect(metadata.name).toBe(name)
  })
})

/** The engine's containers of a pod, without its infrastructure. */
const idsOf = async (name: string) =>
  ((await pods.get(name)).status.containerStatuses ?? []).map(({ containerID = '' }) => containerID.replace('docker://', ''))

describe('runtime classes', () => {
  beforeAll(async () => {
    for (const [name, handler] of [
      ['plain', 'runc'],
      ['walled', 'gvisor'],
    ])
      await cluster.client.create(RuntimeClass, { metadata: { name }, handler } as never)
  })

  test('a handler that the engine has runs the pod, all of it', async () => {
    expect(await output('echo fine', {}, { runtimeClassName: 'plain' })).toBe('fine')
  })

  test('one that it does not have is told', async () => {
    const why = 'failed to get sandbox runtime: no runtime for "gvisor" is configured'
    expect(await noSandbox({ runtimeClassName: 'walled' })).toBe(why)
  })
})

describe('what pods get without asking', () => {
  const folder = '/var/run/secrets/kubernetes.io/serviceaccount'
  test('a token of their service account, unless somebody says no', async () => {
    expect(await output(`ls ${folder}; test -s ${folder}/token && echo a token`)).toBe('ca.crt\nnamespace\ntoken\na token')
    expect(await output(`ls ${folder} 2>&1 || true`, {}, { automountServiceAccountToken: false })).toMatch(/No such file/)
  })

  test('pods for Windows are refused', async () => {
    const message = "Pod was rejected: Failed to admit pod as the OS field doesn't match node OS"
    expect(await refused('PodOSNotSupported', { os: { name: 'windows' }, nodeName: 'node-1' })).toBe(message)
  })
})
