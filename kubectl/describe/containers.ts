import type { Pod } from '../../api/core/pod.ts'
import { environment } from './environment.ts'
import type { Page } from './page.ts'
import { goList, longTime } from './parts.ts'

export type Container = Pod['spec']['containers'][number]
type Status = NonNullable<Pod['status']['containerStatuses']>[number]
type State = Status['state']
type Probe = NonNullable<Container['livenessProbe']>

export interface ContainersOptions {
  readonly statuses?: readonly Status[] | undefined
  /** Whose containers they are; undefined: a template's. */
  readonly pod?: Pod
}

/** A block of containers; a template's is indented. */
export function containers(page: Page, title: string, list: readonly Container[], options: ContainersOptions): void {
  const { statuses = [], pod } = options
  page.line(0, `${pod ? '' : '  '}${title}:${list.length === 0 ? ' <none>' : ''}`)
  for (const container of list) {
    const status = statuses.find(({ name }) => name === container.name)
    basics(page, container, status, pod ? '' : ' ')
    words(page, 'Command', container.command)
    words(page, 'Args', container.args)
    if (status) {
      state(page, 'State', status.state)
      if (status.lastState.terminated) state(page, 'Last State', status.lastState)
      page.line(2, `Ready:\t${status.ready ? 'True' : 'False'}`)
      page.line(2, `Restart Count:\t${status.restartCount}`)
    }
    resources(page, 2, container.resources)
    probes(page, container)
    environment(page, container, pod)
    mounts(page, container)
  }
}

function basics(page: Page, { name, image, ports = [], securityContext }: Container, status: Status | undefined, indent: string) {
  page.line(1, `${indent}${name}:`)
  if (status) page.line(2, `Container ID:\t${status.containerID ?? ''}`)
  page.line(2, `Image:\t${image ?? ''}`)
  if (status) page.line(2, `Image ID:\t${status.imageID}`)
  const many = ports.length > 1 ? 's' : ''
  page.line(
    2,
    `Port${many}:\t${ports.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`).join(', ') || '<none>'}`,
  )
  page.line(
    2,
    `Host Port${many}:\t${ports.map(({ hostPort = 0, protocol }) => `${hostPort}/${protocol}`).join(', ') || '<none>'}`,
  )
  const seccomp = securityContext?.seccompProfile
  if (seccomp) page.line(2, `SeccompProfile:\t${seccomp.type}`)
  if (seccomp?.localhostProfile) page.line(3, `LocalhostProfile:\t${seccomp.localhostProfile}`)
}

function words(page: Page, title: string, list: readonly string[] | undefined): void {
  if (!list?.length) return
  page.line(2, `${title}:`)
  for (const line of list.flatMap(word => word.split('\n'))) page.line(3, line)
}

function state(page: Page, title: string, { running, waiting, terminated }: State): void {
  if (running) {
    page.line(2, `${title}:\tRunning`)
    page.line(3, `Started:\t${longTime(running.startedAt)}`)
  } else if (terminated) {
    const { reason, message, exitCode, signal, startedAt, finishedAt } = terminated
    page.line(2, `${title}:\tTerminated`)
    if (reason) page.line(3, `Reason:\t${reason}`)
    if (message) page.line(3, `Message:\t${message}`)
    page.line(3, `Exit Code:\t${exitCode}`)
    if (signal) page.line(3, `Signal:\t${signal}`)
    page.line(3, `Started:\t${longTime(startedAt)}`)
    page.line(3, `Finished:\t${longTime(finishedAt)}`)
  } else {
    page.line(2, `${title}:\tWaiting`)
    if (waiting?.reason) page.line(3, `Reason:\t${waiting.reason}`)
  }
}

/** Limits and requests, each where there are any. */
export function resources(page: Page, level: number, needs: Container['resources']): void {
  for (const [title, map] of [
    ['Limits', needs?.limits],
    ['Requests', needs?.requests],
  ] as const) {
    const names = Object.keys(map ?? {}).sort()
    if (names.length > 0) page.line(level, `${title}:`)
    for (const name of names) page.line(level + 1, `${name}:\t${map?.[name]}`)
  }
}

function probes(page: Page, { livenessProbe, readinessProbe, startupProbe }: Container): void {
  if (livenessProbe) page.line(2, `Liveness:\t${probeText(livenessProbe)}`)
  if (readinessProbe) page.line(2, `Readiness:\t${probeText(readinessProbe)}`)
  if (startupProbe) page.line(2, `Startup:\t${probeText(startupProbe)}`)
}

/** What a probe does and how often, on one line. */
export function probeText(probe: Probe): string {
  const { exec, httpGet, tcpSocket, grpc } = probe
  const delay = `delay=${probe.initialDelaySeconds ?? 0}s timeout=${probe.timeoutSeconds ?? 0}s period=${probe.periodSeconds ?? 0}s`
  const figures = `${delay} #success=${probe.successThreshold ?? 0} #failure=${probe.failureThreshold ?? 0}`
  if (exec) return `exec ${goList(exec.command)} ${figures}`
  if (httpGet) {
    const { scheme = 'HTTP', host = '', port, path = '' } = httpGet
    return `http-get ${scheme.toLowerCase()}://${host}:${port}${path} ${figures}`
  }
  if (tcpSocket) return `tcp-socket ${tcpSocket.host ?? ''}:${tcpSocket.port} ${figures}`
  if (grpc) return `grpc <pod>:${grpc.port} ${grpc.service ?? ''} ${figures}`
  return `unknown ${figures}`
}

function mounts(page: Page, { volumeMounts = [], volumeDevices = [] }: Container): void {
  page.line(2, `Mounts:${volumeMounts.length === 0 ? '\t<none>' : ''}`)
  for (const { mountPath, name, readOnly, subPath } of [...volumeMounts].sort((a, b) => (a.mountPath < b.mountPath ? -1 : 1))) {
    page.line(3, `${mountPath} from ${name} (${readOnly ? 'ro' : 'rw'}${subPath ? `,path=${JSON.stringify(subPath)}` : ''})`)
  }
  if (volumeDevices.length > 0) page.line(2, 'Devices:')
  for (const { devicePath, name } of volumeDevices) page.line(3, `${devicePath} from ${name}`)
}
