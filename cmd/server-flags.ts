import { isIP } from 'node:net'
import { address, parseDuration, parseFlags, UsageError } from './flags.ts'
import { clusterFlagTable, clusterOptions, type UpOptions } from './options.ts'

export const serverHelp = `Usage: wherry server [flags]

Runs a control plane in this process until Ctrl-C: API server, controllers, scheduler, but no nodes. \`wherry agent\` on other machines
joins it; the command for that is printed.

  --bind-address IP        where to listen (default 0.0.0.0)
  --advertise-address IP   where others reach it (default the first address of this machine)
  --tls-san NAME           one more name or address in the server's certificate; may be repeated
  --token-ttl DURATION     how long the printed token is good for (default 24h; 0: for ever)

and of \`wherry up\`: --detach, --data-dir, --port, --kubeconfig, --store, --log-level, --audit-log-path, --audit-policy-file,
--admission-control-config-file, --token-auth-file, --service-account-issuer, --cluster-cidr, --node-monitor-grace-period,
--node-startup-grace-period, --node-monitor-period, --cluster-signing-duration, --controllers, --controller-manager, --scheduler, --scheduler-config,
--leader-elect and its durations.
`

const day = 24 * 60 * 60_000

/** What the flags of `wherry server` say. Throws a UsageError that names the flag. */
export function parseServer(args: string[]): UpOptions | 'help' {
  const values = parseFlags(args, {
    ...clusterFlagTable,
    'bind-address': { type: 'string' },
    'advertise-address': { type: 'string' },
    'tls-san': { type: 'string', multiple: true },
    'token-ttl': { type: 'string' },
  })
  if (values.help) return 'help'
  const advertiseAddress = values['advertise-address']
  const ttl = values['token-ttl']
  const names = (values['tls-san'] ?? []).flatMap(list => list.split(',')).filter(Boolean)
  for (const name of names) {
    if (!isIP(name) && !/^[a-zA-Z0-9*]([-.a-zA-Z0-9]*[a-zA-Z0-9])?$/.test(name))
      throw new UsageError(`--tls-san must be a name or an address, not "${name}"`)
  }
  return {
    ...clusterOptions(values),
    nodes: 0,
    simulatedNodes: 0,
    runtime: 'docker',
    exposed: {
      bindAddress: address('bind-address', values['bind-address'] ?? '0.0.0.0'),
      ...(advertiseAddress !== undefined && { advertiseAddress: address('advertise-address', advertiseAddress) }),
      names,
      tokenTtlInMs: ttl === undefined ? day : ttl === '0' ? 0 : parseDuration('token-ttl', ttl),
    },
  }
}
