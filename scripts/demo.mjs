// npm run demo: the story of a small cluster, played with real commands on a throw-away one.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aptInstall, canInstall, engineAddress, ensureBundle, ensureDependencies, ensureEngine, root } from './bootstrap.mjs'

ensureDependencies()
await ensureBundle()
const engine = await ensureEngine()
if (!engine.found) {
  console.error(`The demo shows real containers, and there is no Docker engine: ${engine.why}.`)
  process.exit(1)
}
if (!existsSync('/bin/busybox') && canInstall()) aptInstall(['busybox-static'])
const { ensureBusyboxImage } = await import('./busybox-image.mjs')
await ensureBusyboxImage(engineAddress())

const isTerminal = process.stdout.isTTY
const bold = text => (isTerminal ? `\u001b[1m${text}\u001b[0m` : text)
const dim = text => (isTerminal ? `\u001b[2m${text}\u001b[0m` : text)
const folder = mkdtempSync(join(tmpdir(), 'wherry-demo-'))
const data = join(folder, 'data')
const figures = join(folder, 'figures.json')
const kubeconfig = join(folder, 'kubeconfig')
const plenty = { 'memory.available': '8Gi', 'nodefs.available': '50%', 'nodefs.inodesFree': '50%', 'imagefs.available': '50%' }
writeFileSync(figures, JSON.stringify(plenty))

function command(program, args, { quiet = false, mayFail = false, shown } = {}) {
  if (!quiet) console.log(dim(`\n$ ${shown ?? [program, ...args].join(' ')}`))
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, KUBECONFIG: kubeconfig },
  })
  if (!quiet) process.stdout.write(stdout + stderr)
  if (status !== 0 && !mayFail) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`)
  return stdout
}
const wherry = (line, options = {}) =>
  command(process.execPath, [join(root, 'dist', 'wherry.mjs'), ...split(line)], { shown: `wherry ${line}`, ...options })
const quietly = line => wherry(line, { quiet: true })
/** A command line as a shell splits it, as far as quotes go. */
const split = line => (line.match(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g) ?? []).map(word => word.replace(/['"]/g, ''))
const containers = () =>
  command(
    'docker',
    ['ps', '--filter', 'label=io.kubernetes.pod.namespace=default', '--format', '{{.ID}}  {{.Image}}  {{.Names}}'],
    {
      shown: 'docker ps',
    },
  )
const chapter = text => console.log(`\n${bold(`── ${text}`)}`)

async function until(what, check, seconds = 60) {
  const deadline = Date.now() + seconds * 1000
  while (!check()) {
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}

let failed = false
try {
  chapter('A cluster')
  wherry(
    `up --detach --port 0 --data-dir ${data} --kubeconfig ${kubeconfig} --signals ${figures} --eviction-pressure-transition-period 5s`,
    { shown: 'wherry up --detach' },
  )
  wherry('get nodes -o wide')

  chapter('Apply, and watch it run')
  wherry('apply -f manifests/web.yaml')
  wherry('rollout status deployment/web --timeout=60s')
  wherry('get deployments,replicasets,pods -o wide')
  containers()
  const pod = quietly("get pods -l app=web -o jsonpath='{.items[0].metadata.name}'").trim()
  wherry(`why pod/${pod}`)

  chapter('Roll to version 2')
  wherry('apply -f manifests/web-v2.yaml')
  wherry('rollout status deployment/web --timeout=90s')
  wherry('get replicasets')
  wherry('rollout history deployment/web')

  chapter('Kill a container: the kubelet restarts it, in the same pod with the same IP')
  const victim = quietly("get pods -l app=web -o jsonpath='{.items[0].metadata.name}'").trim()
  const id = quietly(`get pod ${victim} -o 'jsonpath={.status.containerStatuses[0].containerID}'`).trim().replace('docker://', '')
  command('docker', ['kill', id], { shown: `docker kill ${id.slice(0, 12)}` })
  await until(
    'the restart',
    () => Number(quietly(`get pod ${victim} -o 'jsonpath={.status.containerStatuses[0].restartCount}'`)) > 0,
  )
  wherry(`wait --for=condition=Ready pod/${victim} --timeout=30s`)
  wherry('get pods -l app=web')

  chapter('Delete a pod: the ReplicaSet replaces it')
  wherry(`delete pod ${victim}`)
  wherry('rollout status deployment/web --timeout=60s')
  wherry('get pods -l app=web')

  chapter('Data outlives its pod')
  wherry('apply -f manifests/data.yaml')
  wherry('wait --for=condition=Ready pod/counter --timeout=60s')
  wherry('logs counter')
  wherry('delete pod counter')
  wherry('apply -f manifests/data.yaml')
  wherry('wait --for=condition=Ready pod/counter --timeout=60s')
  wherry('logs counter')
  wherry('get pvc,pv')

  chapter('Memory runs short: best-effort goes, guaranteed stays')
  wherry('apply -f manifests/qos.yaml')
  wherry('wait --for=condition=Ready pod/guaranteed pod/burstable pod/best-effort --timeout=60s')
  const pods = {
    '*': {},
    'default/best-effort': { memory: '300Mi' },
    'default/burstable': { memory: '20Mi' },
    'default/guaranteed': { memory: '60Mi' },
  }
  writeFileSync(figures, JSON.stringify({ ...plenty, 'memory.available': '80Mi', pods }))
  await until('the eviction', () => quietly("get pod best-effort -o 'jsonpath={.status.reason}'").trim() === 'Evicted')
  writeFileSync(figures, JSON.stringify(plenty))
  wherry('get pods best-effort burstable guaranteed')
  wherry('why pod/best-effort')

  chapter('Tear down')
} catch (error) {
  failed = true
  console.error(`\nThe demo stopped: ${error.message}`)
  wherry('get pods,events', { mayFail: true })
} finally {
  wherry(`down --delete-data --data-dir ${data}`, { mayFail: true, shown: 'wherry down --delete-data' })
  rmSync(folder, { recursive: true, force: true })
}
process.exit(failed ? 1 : 0)
