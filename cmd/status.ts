import { chosenDataDir, type RunningCluster, runningCluster } from './data-dir.ts'
import { parseFlags, UsageError } from './flags.ts'

/** `wherry status [-o json]`: answers the exit code; 3 when nothing runs. */
export function status(args: string[]): number {
  const values = parseFlags(args, { 'data-dir': { type: 'string' }, output: { type: 'string', short: 'o' } })
  if (values.output !== undefined && values.output !== 'json') throw new UsageError(`-o must be json, not "${values.output}"`)
  const dir = chosenDataDir(values['data-dir'])
  const running = runningCluster(dir)
  if (values.output === 'json') {
    process.stdout.write(
      `${JSON.stringify(running ? { running: true, ...running } : { running: false, dataDir: dir.path }, undefined, 2)}\n`,
    )
  } else process.stdout.write(running ? describe(running) : `No cluster runs on ${dir.path}.\n`)
  return running ? 0 : 3
}

function describe(running: RunningCluster): string {
  const lines = {
    pid: running.pid,
    version: running.version,
    port: running.port,
    'data dir': running.dataDir,
    kubeconfig: running.kubeconfig,
    nodes: `${running.nodes} ${running.runtime}${running.simulatedNodes ? `, ${running.simulatedNodes} simulated` : ''}`,
    store: running.store,
    'ready since': running.readySince ?? 'not ready yet',
  }
  return Object.entries(lines)
    .map(([name, value]) => `${name.padEnd(12)}${value}\n`)
    .join('')
}
