import * as z from 'zod'
import { atomicList, choice, int32, int64, intOrString, named, plain, requiredText, text, whole } from '../schema.ts'

const HttpHeader = named(
  'core/v1.HTTPHeader',
  'A header to send.',
  () => ({
    name: requiredText('Name of the header.'),
    value: requiredText('Value of the header.'),
  }),
  { wire: 'name value' },
)

/** A probe or a hook by a command. */
const ExecAction = named(
  'core/v1.ExecAction',
  'A command run inside the container.',
  () => ({
    command: atomicList(z.string()).optional().describe('The program and its arguments; no shell is involved.'),
  }),
  { wire: 'command' },
)

/** A probe or a hook by an HTTP request. */
export const HttpGetAction = named(
  'core/v1.HTTPGetAction',
  'An HTTP GET request.',
  () => ({
    path: z.string().default('/').describe('Path to ask for.'),
    port: intOrString().default(0).describe('Number or name of the port.'),
    host: text('Host to connect to; the pod itself by default.'),
    scheme: choice('HTTP', 'HTTPS').default('HTTP').describe('Protocol to speak.'),
    httpHeaders: atomicList(HttpHeader).optional().describe('Headers to send.'),
  }),
  { wire: 'path port host scheme httpHeaders' },
)
export type HttpGetAction = z.output<typeof HttpGetAction>

const TcpSocketAction = named(
  'core/v1.TCPSocketAction',
  'An attempt to open a TCP connection.',
  () => ({
    port: intOrString().default(0).describe('Number or name of the port.'),
    host: text('Host to connect to; the pod itself by default.'),
  }),
  { wire: 'port host' },
)

const GrpcAction = named(
  'core/v1.GRPCAction',
  'A gRPC health check.',
  () => ({
    port: int32().default(0).describe('Number of the port.'),
    service: z.string().default('').describe('Service to ask after.'),
  }),
  { wire: 'port service' },
)

const SleepAction = named(
  'core/v1.SleepAction',
  'A pause.',
  () => ({
    seconds: int64().default(0).describe('How long to wait.'),
  }),
  { wire: 'seconds' },
)

const handlers = {
  exec: ExecAction.optional().describe('Run a command in the container.'),
  httpGet: HttpGetAction.optional().describe('Send an HTTP request.'),
  tcpSocket: TcpSocketAction.optional().describe('Open a TCP connection.'),
}

/** How the kubelet finds out about a container (semantics C7). */
export const Probe = named(
  'core/v1.Probe',
  'How the kubelet finds out whether a container is well.',
  () => ({
    ...handlers,
    grpc: GrpcAction.optional().describe('Ask a gRPC health service.'),
    initialDelaySeconds: whole('Seconds to wait after the container has started.'),
    timeoutSeconds: plain(int32().default(1)).describe('Seconds after which an attempt counts as failed.'),
    periodSeconds: plain(int32().default(10)).describe('Seconds between attempts.'),
    successThreshold: plain(int32().default(1)).describe('Successes in a row that turn a failure into success.'),
    failureThreshold: plain(int32().default(3)).describe('Failures in a row that turn success into failure.'),
    terminationGracePeriodSeconds: int64().optional().describe('Grace the container gets when this probe kills it.'),
  }),
  {
    wire: `
      handler(exec httpGet tcpSocket grpc) initialDelaySeconds timeoutSeconds periodSeconds successThreshold
      failureThreshold terminationGracePeriodSeconds`,
  },
)
export type Probe = z.output<typeof Probe>

const LifecycleHandler = named(
  'core/v1.LifecycleHandler',
  'What to do at a point of the life cycle.',
  () => ({
    ...handlers,
    sleep: SleepAction.optional().describe('Wait.'),
  }),
  { wire: 'exec httpGet tcpSocket sleep' },
)
export type LifecycleHandler = z.output<typeof LifecycleHandler>

/** What happens right after a container starts and right before it ends. */
export const Lifecycle = named(
  'core/v1.Lifecycle',
  'What to do when a container has started and before it stops.',
  () => ({
    postStart: LifecycleHandler.optional().describe('Runs right after the container was created.'),
    preStop: LifecycleHandler.optional().describe('Runs before the container is stopped; counts towards its grace period.'),
    stopSignal: z.string().optional().describe('Signal that stops the container: SIGTERM.'),
  }),
  { wire: 'postStart preStop stopSignal' },
)
