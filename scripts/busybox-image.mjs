// Gives a Docker engine the image busybox:1.36 for tests. Where no registry can be reached, it is made from the machine's own static
// /bin/busybox (Debian: busybox-static). Uses nothing but Node, so that it can run before anything is installed.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'

const image = 'busybox'
const tag = '1.36'

/**
 * Makes sure that busybox:1.36 is there; answers how it came: 'present', 'pulled' or 'built'. Throws when the engine cannot be reached.
 * The engine's address: `{ socketPath }` or `{ host, port }`.
 */
export async function ensureBusyboxImage(address = { socketPath: '/var/run/docker.sock' }) {
  if ((await ask(address, 'GET', `/images/${image}:${tag}/json`)).status === 200) return 'present'
  const pulled = await ask(address, 'POST', `/images/create?fromImage=${image}&tag=${tag}`)
  if (pulled.status === 200 && !pulled.text.includes('"error"')) return 'pulled'
  const changes = ['CMD ["sh"]', 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin']
  const query = new URLSearchParams({ fromSrc: '-', repo: image, tag })
  for (const change of changes) query.append('changes', change)
  const imported = await ask(address, 'POST', `/images/create?${query}`, archive())
  if (imported.status !== 200 || imported.text.includes('"error"'))
    throw new Error(`busybox could not be imported: ${imported.text}`)
  return 'built'
}

function ask(address, method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body ? { 'Content-Type': 'application/x-tar', 'Content-Length': body.length } : {}
    const sent = request({ ...address, method, path, headers, agent: false }, answer => {
      const chunks = []
      answer.on('data', chunk => chunks.push(chunk))
      answer.on('end', () => resolve({ status: answer.statusCode, text: Buffer.concat(chunks).toString() }))
      answer.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The files of the image, as a tar archive. */
function archive() {
  const busybox = readFileSync('/bin/busybox')
  const applets = execFileSync('/bin/busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n')
  const directories = {
    bin: 0o755,
    dev: 0o755,
    etc: 0o755,
    home: 0o755,
    root: 0o700,
    tmp: 0o1777,
    usr: 0o755,
    'usr/bin': 0o755,
    var: 0o755,
  }
  return Buffer.concat([
    ...Object.entries(directories).map(([name, mode]) => entry({ name: `${name}/`, type: '5', mode })),
    entry({ name: 'bin/busybox', mode: 0o755, content: busybox }),
    ...applets
      .filter(applet => applet !== 'busybox')
      .map(applet => entry({ name: `bin/${applet}`, type: '2', link: 'busybox', mode: 0o777 })),
    entry({ name: 'usr/bin/env', type: '2', link: '../../bin/busybox', mode: 0o777 }),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n'),
    file('etc/group', 'root:x:0:\nnogroup:x:65534:\n'),
    file('etc/nsswitch.conf', 'hosts: files dns\n'),
    Buffer.alloc(1024),
  ])
}

const file = (name, text) => entry({ name, mode: 0o644, content: Buffer.from(text) })

/** One entry of a tar archive (POSIX ustar), owned by root. */
function entry({ name, type = '0', mode, link = '', content = Buffer.alloc(0) }) {
  const header = Buffer.alloc(512)
  const octal = (value, at, length) => header.write(value.toString(8).padStart(length - 1, '0'), at)
  header.write(name, 0)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(content.length, 124, 12)
  octal(0, 136, 12)
  header.write(type, 156)
  header.write(link, 157)
  header.write('ustar\u000000', 257)
  header.write(' '.repeat(8), 148)
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`${image}:${tag}: ${await ensureBusyboxImage()}`)
}
