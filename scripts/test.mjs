// npm test: sets up what is missing, then checks the code and runs every test there is. What cannot run here makes it fail, by name.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { aptInstall, canInstall, engineAddress, ensureBundle, ensureDependencies, ensureEngine, root } from './bootstrap.mjs'
import { ensureDebianKubectl } from './peers.mjs'

ensureDependencies()
await ensureBundle()

const couldNotRun = []
const engine = await ensureEngine()
if (engine.found) {
  try {
    if (!existsSync('/bin/busybox') && canInstall()) aptInstall(['busybox-static'])
    const { ensureBusyboxImage } = await import('./busybox-image.mjs')
    await ensureBusyboxImage(engineAddress())
  } catch (error) {
    couldNotRun.push(`test/docker (the image busybox:1.36 is neither here, nor to be pulled, nor to be built: ${error.message})`)
  }
} else couldNotRun.push(`test/docker (${engine.why})`)

const check = spawnSync(process.execPath, ['scripts/check.mjs', '--no-tests'], { cwd: root, stdio: 'inherit' })
if (check.status !== 0) process.exit(1)

// Peers talk to real containers.
const projects = ['unit', 'scenario', ...(couldNotRun.length === 0 ? ['docker', 'hosts', 'conformance', 'peer'] : [])]
if (process.getuid?.() !== 0) {
  couldNotRun.push('test/hosts (only root may make network namespaces)')
  projects.splice(projects.indexOf('hosts'), projects.includes('hosts') ? 1 : 0)
}
if (projects.includes('peer')) {
  try {
    ensureDebianKubectl()
  } catch (error) {
    couldNotRun.push(`test/peer with Debian's kubectl (${error.message})`)
    projects.pop()
  }
} else couldNotRun.push('test/peer (it needs what test/docker needs)')
const folder = mkdtempSync(join(tmpdir(), 'wherry-test-'))
const total = { passed: 0, failed: 0, skipped: 0 }
const failures = []
for (const project of projects) {
  if (project !== 'unit' && !hasTests(join(root, 'test', project))) continue
  const report = join(folder, `${project}.json`)
  console.log(`\n--- ${project} tests`)
  const { status } = spawnSync(
    'npx',
    ['vitest', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    { cwd: root, stdio: 'inherit' },
  )
  const result = existsSync(report)
    ? JSON.parse(readFileSync(report, 'utf8'))
    : { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0 }
  total.passed += result.numPassedTests
  total.failed += result.numFailedTests || (status === 0 ? 0 : 1)
  total.skipped += result.numPendingTests
  failures.push(...failuresOf(project, result))
}
rmSync(folder, { recursive: true, force: true })

console.log()
for (const failure of failures) console.error(failure)
for (const what of couldNotRun) console.error(`These tests could not run: ${what}`)
total.failed += couldNotRun.length
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ''}`)
process.exit(total.failed > 0 ? 1 : 0)

function hasTests(at) {
  return existsSync(at) && readdirSync(at, { recursive: true }).some(name => String(name).endsWith('.test.ts'))
}

/** Each test that failed, and why, so that the end of the run alone tells. */
function failuresOf(project, { testResults = [] }) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = name.replace(`${root}/`, '')
    const failed = assertionResults.filter(test => test.status === 'failed')
    const told = failed.map(
      test => `FAILED ${project} ${file} > ${test.fullName}\n${firstLines(test.failureMessages.join('\n'))}`,
    )
    return told.length > 0 || status !== 'failed' ? told : [`FAILED ${project} ${file}\n${firstLines(message)}`]
  })
}

function firstLines(text) {
  return text
    .split('\n')
    .slice(0, 12)
    .map(line => `    ${line}`)
    .join('\n')
}
