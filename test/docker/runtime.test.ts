import { mkdtemp, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RuntimeUnderTest } from '../../kubelet/runtime/contract/suite.contract.ts'
import { finished, textOf } from '../../kubelet/runtime/contract/suite.contract.ts'
import { removeCluster } from '../../kubelet/runtime/docker/cluster-resources.ts'
import { dockerEngine } from '../../kubelet/runtime/docker/engine.ts'
import { pauseImage } from '../../kubelet/runtime/docker/pause-image.ts'
import { dockerRuntime } from '../../kubelet/runtime/docker/runtime.ts'
import type { SandboxPool } from '../../kubelet/runtime/docker/warm-sandboxes.ts'
import { containerConfig, sandboxConfig } from '../../kubelet/runtime/pod-configs.ts'
import { runtimeContract } from '../../kubelet/runtime/runtime.contract.ts'
import type { ContainerConfig, ContainerRuntime, SandboxConfig } from '../../kubelet/runtime/runtime.ts'
import { systemClock } from '../../lib/clock.ts'
import { silentLog } from '../../lib/log.ts'

/** Without a Docker engine every test here fails at once and says so: a run that proves nothing must not look green. */
const socketPath = process.env.DOCKER_HOST?.replace(/^unix:\/\//, '') ?? '/var/run/docker.sock'
const image = 'busybox:1.36'
const clock = systemClock
const log = silentLog
const cluster = `test-${process.pid}`
const engine = dockerEngine({ clock, log, socketPath })
const runtimeOf = (
  node: string,
  owner = cluster,
  logLimits?: { maxBytes: number; maxFiles: number },
  sandboxPool?: SandboxPool,
) => {
  const third = { 'node-a': 1, 'node-b': 2, special: 3 }[node] ?? 9
  return dockerRuntime({
    engine,
    cluster: owner,
    node,
    podCIDR: () => `10.213.${third}.0/24`,
    clock,
    log,
    ...(logLimits && { logLimits }),
    ...(sandboxPool && { sandboxPool }),
  })
}

beforeAll(async () => {
  const { ensureBusyboxImage } = await import('../../scripts/busybox-image.mjs')
  await ensureBusyboxImage({ socketPath }).catch((cause: unknown) => {
    throw new Error(`These tests need a Docker engine at ${socketPath} and the image ${image}; NOTHING WAS TESTED`, { cause })
  })
})

const underTest: Omit<RuntimeUnderTest, 'runtime'> = {
  image,
  missingImage: 'localhost:9/missing:1',
  passTime: ms => clock.sleep(ms),
  now: clock.now,
  polite: { config: { command: ['sh', '-c', 'trap "exit 7" TERM; while :; do sleep 0.1; done'] }, exitCode: 7 },
  stubborn: { command: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] },
  unstartable: { command: ['/no/such/program'] },
  greedy: { command: ['sh', '-c', 'x=$(head -c 50000000 /dev/zero | tr "\\0" x); echo ${#x}'] },
  // Process 1 has no default for signals: what it starts has.
  crashing: { config: { command: ['sh', '-c', "sh -c 'kill -SEGV $$'; exit $?"] }, exitCode: 139 },
  heeding: signal => ({
    config: { command: ['sh', '-c', `trap "" TERM INT; trap "exit 11" ${signal.slice(3)}; while :; do sleep 0.1; done`] },
    exitCode: 11,
  }),
  echo: { config: { command: ['nc', '-ll', '-p', '7000', '-e', 'cat'] }, port: 7000 },
}

runtimeContract('docker', async () => ({ runtime: runtimeOf, ...underTest }))

const pool = { stop: new AbortController(), isKept: false, taken: 0 }

describe('pods from a pool of warm sandboxes', () => {
  afterAll(() => pool.stop.abort())
  runtimeContract('docker, with a pool', async () => ({
    ...underTest,
    sandbox: { hostNetwork: false },
    runtime: pooledRuntimeOf,
  }))
  test('some of these pods came from it', () => expect(pool.taken).toBeGreaterThan(5))
})

/** All that can be from the pool is. */
function pooledRuntimeOf(
  node: string,
  owner = `${cluster}-pool`,
  logLimits?: { maxBytes: number; maxFiles: number },
): ContainerRuntime {
  const runtime = runtimeOf(node, owner, logLimits, { size: 3, hostname: 'warm' })
  const isPool = node === 'node-a' && owner === `${cluster}-pool`
  if (isPool && !pool.isKept) void runtime.keepWarm?.(pool.stop.signal)
  pool.isKept ||= isPool
  return {
    ...runtime,
    async runSandbox(config) {
      const sandbox = await runtime.runSandbox(
        config.hostNetwork || !isPool ? { ...config, hostNetwork: true } : { ...config, hostname: 'warm' },
      )
      if (sandbox.isWarm) pool.taken++
      return sandbox
    },
  }
}

describe('docker runtime, what only real containers have', () => {
  const runtime = runtimeOf('special')
  const made: string[] = []
  afterEach(async () => {
    await Promise.all(made.splice(0).map(id => runtime.removeSandbox(id)))
  })
  afterAll(() => runtime.cleanUp())

  const runPod = async (overrides: Partial<SandboxConfig> = {}) => {
    const sandbox = await runtime.runSandbox(sandboxConfig(overrides))
    made.push(sandbox.id)
    const add = async (more: Partial<ContainerConfig> = {}) => {
      const id = await runtime.createContainer(sandbox.id, containerConfig({ pod: sandbox.pod, image, ...more }))
      await runtime.startContainer(id)
      return id
    }
    return { sandbox, add }
  }
  const sh = async (id: string, script: string) => (await runtime.execSync(id, ['sh', '-c', script], 20_000)).output.trim()

  test('containers of a pod share address, IPC and host name, and keep their processes and files apart', async () => {
    const { sandbox, add } = await runPod({ hostname: 'together' })
    const [one, two] = [await add({ name: 'one' }), await add({ name: 'two' })]
    const both = (script: string) => Promise.all([sh(one, script), sh(two, script)])
    for (const namespace of ['net', 'ipc']) {
      const [first, second] = await both(`readlink /proc/self/ns/${namespace}`)
      expect(second).toBe(first)
    }
    expect(await both('hostname')).toEqual(['together', 'together'])
    expect(await both(`ip -4 addr | grep -c ${sandbox.ip}`)).toEqual(['1', '1'])
    expect(await both('cat /proc/1/comm')).toEqual(['sleep', 'sleep'])
    await sh(one, 'echo x > /only-here; echo y > /dev/shm/shared')
    expect(await both('cat /only-here 2>/dev/null; cat /dev/shm/shared')).toEqual(['x\ny', 'y'])
  })

  test('with a shared PID namespace the pause program is process 1 and buries orphans', async () => {
    const { add } = await runPod()
    const id = await add({ sharePid: true })
    expect(await sh(id, 'cat /proc/1/comm')).toBe('pause')
    await sh(id, '(sleep 0.05 & ) ; exit 0')
    await expect.poll(() => sh(id, 'pidof sleep || true')).not.toMatch(/ /) // the orphan has ended; the container's own sleeps on
    await expect.poll(() => sh(id, 'cat /proc/[0-9]*/stat | grep -c " Z " || true')).toBe('0')
  })

  test('an ephemeral container joins the processes of its target', async () => {
    const { add } = await runPod()
    const target = await add({ command: ['sleep', '4242'] })
    const debug = await add({ name: 'debug', role: 'ephemeral', targetContainerId: target })
    expect(await sh(debug, 'cat /proc/1/cmdline | tr "\\0" " "')).toBe('sleep 4242')
  })

  test('host namespaces are taken when asked for', async () => {
    const { add, sandbox } = await runPod({ hostNetwork: true, hostPID: true, hostIPC: true })
    const id = await add()
    expect(sandbox.ip).toBe('')
    for (const namespace of ['net', 'pid', 'ipc', 'uts']) {
      expect(await sh(id, `readlink /proc/self/ns/${namespace}`)).toBe(await readlink(`/proc/self/ns/${namespace}`))
    }
  })

  test('resolv.conf is exactly what was asked for, in every container', async () => {
    const dns = { servers: ['10.96.0.10', '1.1.1.1'], searches: ['default.svc.cluster.local', 'a.b'], options: ['ndots:5'] }
    const long = await runPod({ dns })
    const expected = 'nameserver 10.96.0.10\nnameserver 1.1.1.1\nsearch default.svc.cluster.local a.b\noptions ndots:5'
    expect(await sh(await long.add(), 'cat /etc/resolv.conf')).toBe(expected)
    const short = await runPod({ dns: { servers: ['1.1.1.1'], searches: [], options: [] } })
    expect(await sh(await short.add(), 'cat /etc/resolv.conf')).toBe('nameserver 1.1.1.1')
  })

  test('sysctls, ports and mounts arrive', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wherry-mount-'))
    await writeFile(join(folder, 'given'), 'from the host')
    const { sandbox, add } = await runPod({
      sysctls: { 'net.ipv4.ip_local_port_range': '20000 30000' },
      portMappings: [{ protocol: 'TCP', containerPort: 8080, hostPort: 18_231, hostIP: '127.0.0.1' }],
    })
    const id = await add({
      command: ['sh', '-c', 'mkdir /www; echo hello > /www/index.html; exec httpd -f -p 8080 -h /www'],
      mounts: [
        { hostPath: folder, containerPath: '/writable', readOnly: false },
        { hostPath: folder, containerPath: '/readable', readOnly: true },
      ],
    })
    expect(await sh(id, 'cat /proc/sys/net/ipv4/ip_local_port_range')).toBe('20000\t30000')
    expect(await sh(id, 'cat /readable/given; echo new > /writable/new; touch /readable/x 2>/dev/null || echo refused')).toMatch(
      /^from the hostrefused$/,
    )
    expect(await readFile(join(folder, 'new'), 'utf8')).toBe('new\n')
    for (const url of ['http://127.0.0.1:18231/', `http://${sandbox.ip}:8080/`]) {
      await expect.poll(() => fetch(url).then(answer => answer.text(), String), { timeout: 5000 }).toBe('hello\n')
    }
    await rm(folder, { recursive: true })
  })

  test('limits reach the cgroup, also when changed later', async () => {
    const { add } = await runPod()
    const resources = { cpuShares: 512, cpuQuotaInUs: 25_000, cpuPeriodInUs: 100_000, memoryLimitInBytes: 2 ** 26, pidsLimit: 40 }
    const id = await add({ resources: { ...resources, oomScoreAdj: 900 } })
    const { memory } = await limitsOf(id)
    expect(memory).toBe(2 ** 26)
    expect(await sh(id, 'cat /proc/1/oom_score_adj')).toBe('900')
    await runtime.updateResources(id, { memoryLimitInBytes: 2 ** 27 })
    expect(await limitsOf(id)).toEqual({ memory: 2 ** 27, swap: 2 ** 27, shares: 512, quota: 25_000, pids: 40 })
  })

  const limitsOf = (id: string) =>
    engine.read(async docker => {
      const { HostConfig } = await docker.getContainer(id).inspect()
      const { Memory: memory, MemorySwap: swap, CpuShares: shares, CpuQuota: quota, PidsLimit: pids } = HostConfig
      return { memory, swap, shares, quota, pids }
    })

  test('a negative OOM score is used where it may be, and is no failure where it may not', async () => {
    const { add } = await runPod()
    const expected = (await engine.allowsNegativeOomScore()) ? '-997' : '0'
    expect(await sh(await add({ resources: { oomScoreAdj: -997 } }), 'cat /proc/1/oom_score_adj')).toBe(expected)
  })

  test('users, groups, capabilities, privileges and a read-only root', async () => {
    const { sandbox, add } = await runPod()
    const security = {
      runAsUser: 1000,
      runAsGroup: 3000,
      supplementalGroups: [4000],
      privileged: false,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      addCapabilities: ['NET_ADMIN'],
      dropCapabilities: ['ALL'],
    }
    const id = await add({ security })
    expect(await sh(id, 'echo $(id -u):$(id -g) $(id -G)')).toBe('1000:3000 3000 4000')
    expect(await sh(id, 'touch /x 2>&1')).toMatch(/Read-only file system/)
    expect(await sh(id, 'grep -E "NoNewPrivs|CapBnd" /proc/1/status | tr -s "\\t\\n" "  "')).toBe(
      'CapBnd: 0000000000001000 NoNewPrivs: 1',
    )
    const groupOnly = await add({ name: 'group-only', security: { ...security, runAsUser: undefined } })
    expect(await sh(groupOnly, 'echo $(id -u):$(id -g)')).toBe('0:3000')
    // No-new-privileges goes by allowPrivilegeEscalation alone, as in containerd and the kubelet; the API refuses the two together.
    // Created only: where the engine itself lacks privileges it cannot give them either.
    const config = containerConfig({ pod: sandbox.pod, image, name: 'mighty', security: { ...security, privileged: true } })
    const mighty = await runtime.createContainer(sandbox.id, config)
    const { HostConfig } = await engine.read(docker => docker.getContainer(mighty).inspect())
    expect([HostConfig.Privileged, HostConfig.SecurityOpt]).toEqual([true, expect.arrayContaining(['no-new-privileges'])])
  })

  test('a terminal has the size it was given', async () => {
    const { add } = await runPod()
    const session = await runtime.exec(await add(), { command: ['sh'], stdin: true, stdout: true, stderr: true, tty: true })
    session.resize(101, 33)
    const end = finished(session)
    await session.write(Buffer.from('until [ "$(stty size)" = "33 101" ]; do :; done; stty size; exit\r'))
    expect((await end).stdout).toMatch(/33 101\r\n/)
  })

  test('a command that is not there says so apart from its output', async () => {
    const { add } = await runPod()
    const id = await add()
    const session = await runtime.exec(id, { command: ['no-such'], stdin: false, stdout: true, stderr: true, tty: false })
    expect(await finished(session)).toMatchObject({
      stdout: '',
      stderr: '',
      message: expect.stringContaining('"no-such": executable file not found'),
    })
  })

  test('hanging up kills the command and what it started', async () => {
    const { add } = await runPod()
    const id = await add()
    const command = ['sh', '-c', 'sleep 7373 & sleep 7373']
    const session = await runtime.exec(id, { command, stdin: false, stdout: true, stderr: true, tty: false })
    const count = () => sh(id, 'ps | grep "sleep 737[3]" | wc -l').then(Number)
    await expect.poll(count).toBeGreaterThanOrEqual(2)
    session.close()
    expect((await session.done).exitCode).toBe(137)
    await expect.poll(count).toBe(0)
  })

  test('much output passes through whole, and waits for a slow reader', async () => {
    const { add } = await runPod()
    const command = ['sh', '-c', 'head -c 8000000 /dev/zero']
    const id = await add()
    const session = await runtime.exec(id, { command, stdin: false, stdout: true, stderr: true, tty: false })
    await sh(id, 'true') // takes its time, in which nobody reads
    expect((await finished(session)).stdout).toHaveLength(8_000_000)
  })

  test('attach feeds standard input once', async () => {
    const { add } = await runPod()
    const id = await add({ command: ['cat'], stdin: true, stdinOnce: true })
    const session = await runtime.attach(id, { stdin: true, stdout: true, stderr: true, tty: false })
    await session.write(Buffer.from('in and out\n'))
    session.closeStdin()
    expect(await finished(session)).toMatchObject({ stdout: 'in and out\n' })
    expect(await runtime.inspect(id)).toMatchObject({ state: 'exited', exitCode: 0 })
    expect(await textOf(runtime.logs(id, {}, new AbortController().signal))).toBe('in and out\n')
  })

  test('the log of a terminal is not multiplexed, nor taken for JSON', async () => {
    const { add } = await runPod()
    const id = await add({ command: ['echo', '{"a":1}'], tty: true })
    await expect.poll(async () => (await runtime.inspect(id))?.state).toBe('exited')
    expect(await textOf(runtime.logs(id, {}, new AbortController().signal))).toBe('{"a":1}\r\n')
  })

  test('the network is made again when somebody removed it, and the pause image too', async () => {
    await runtime.cleanUp()
    await engine.open(docker => docker.getImage(pauseImage).remove({ force: true }))
    const { sandbox } = await runPod()
    expect(sandbox.ip).toBe('10.213.3.2')
    expect((await runtime.images.list()).flatMap(({ tags }) => tags)).not.toContain(pauseImage)
  })

  test('a sandbox ends at once when told politely', async () => {
    const { sandbox } = await runPod()
    const begin = clock.now()
    await runtime.stopContainer(sandbox.id, 30)
    expect(clock.now() - begin).toBeLessThan(5000)
  })
})

test('a whole cluster is removed from the engine, and only that one', async () => {
  const doomed = runtimeOf('node-c', `${cluster}-doomed`)
  const neighbour = runtimeOf('special')
  const kept = await neighbour.runSandbox(sandboxConfig({ hostNetwork: true }))
  await doomed.runSandbox(sandboxConfig())
  expect(await removeCluster({ cluster: `${cluster}-doomed`, clock, log, socketPath })).toEqual({ containers: 1, networks: 1 })
  expect([await doomed.list(), (await neighbour.list()).sandboxes]).toEqual([{ sandboxes: [], containers: [] }, [kept]])
  await neighbour.removeSandbox(kept.id)
})

describe('docker runtime, when the engine goes away', () => {
  let folder: string
  let door: Server
  const guests = new Set<Socket>()
  const open = async (path: string) => {
    door = createServer(guest => {
      const inner = connect(socketPath)
      guests.add(guest)
      guest.pipe(inner).pipe(guest)
      guest.on('error', () => inner.destroy()).on('close', () => inner.destroy())
      inner.on('error', () => guest.destroy()).on('close', () => guest.destroy())
    })
    await new Promise<void>(resolve => door.listen(path, resolve))
  }
  const shut = async () => {
    const closed = new Promise(resolve => door.close(resolve))
    for (const guest of guests) guest.destroy()
    guests.clear()
    await closed
  }
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wherry-door-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  test('calls fail as unavailable in one clear line; events come back by themselves', async () => {
    const path = join(folder, 'docker.sock')
    const runtime: ContainerRuntime = dockerRuntime({
      cluster,
      node: 'gone',
      podCIDR: () => '10.213.4.0/24',
      clock,
      log,
      socketPath: path,
    })
    const unavailable = {
      name: 'RuntimeError',
      kind: 'unavailable',
      message: `Docker is not reachable at ${path} (ENOENT): is the engine running?`,
    }
    await expect(runtime.version()).rejects.toMatchObject(unavailable)

    await open(path)
    const woken: unknown[] = []
    const stop = new AbortController()
    const listening = runtime.watchEvents(uid => woken.push(uid))(stop.signal)
    expect(await runtime.list()).toEqual({ sandboxes: [], containers: [] })
    await expect.poll(() => guests.size).toBeGreaterThanOrEqual(2) // the stream of events beside the connection that is kept
    await shut()
    await expect(runtime.list()).rejects.toMatchObject(unavailable)
    await open(path)
    await expect.poll(() => woken, { timeout: 5000 }).toEqual([undefined])
    expect(await runtime.list()).toEqual({ sandboxes: [], containers: [] })
    stop.abort()
    await listening
    await shut()
  })
})
