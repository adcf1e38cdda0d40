import { flag } from '../command.ts'
import type { Generator } from './generator.ts'

/** `host/path*=service:port[,tls[=secret]]`, as k8s.io/kubectl/pkg/cmd/create/create_ingress.go takes it. */
const rulePattern =
  /^(?<host>[\w*\-.]*)(?<path>\/[^=]*)=(?<service>[A-Za-z0-9-]+):(?<port>[A-Za-z0-9-]+)(?:,tls(?:=(?<secret>[\w\-.]*))?)?$/

interface Rule {
  readonly host: string
  readonly path: object
  /** The secret's name, empty when none is named; undefined: no TLS. */
  readonly secret: string | undefined
}

export const ingress: Generator = {
  name: 'ingress',
  aliases: ['ing'],
  usage: 'ingress NAME [--rule=HOST/PATH=SERVICE:PORT[,tls[=SECRET]]] [--class=CLASS] [--default-backend=SERVICE:PORT]',
  flags: {
    class: { type: 'string', help: 'Its ingress class' },
    rule: { type: 'list', help: 'Where requests go; a path that ends in * means all below it', placeholder: 'RULE' },
    'default-backend': { type: 'string', help: 'Where all other requests go', placeholder: 'SERVICE:PORT' },
    annotation: { type: 'list', help: 'An annotation: a=b' },
  },
  make(context, name) {
    const backend = flag.text(context, 'default-backend')
    const texts = flag.list(context, 'rule')
    if (!backend && texts.length === 0) {
      throw new Error(
        'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
      )
    }
    const rules = texts.map(parseRule)
    const annotations = flag.list(context, 'annotation').map(text => {
      const equals = text.indexOf('=')
      if (equals < 0) throw new Error(`annotation ${text} is invalid and should be in format key=[value]`)
      return [text.slice(0, equals), text.slice(equals + 1)]
    })
    const [service, port, ...more] = (backend ?? '').split(':')
    if (backend && (port === undefined || more.length > 0)) {
      throw new Error('default-backend should be in format servicename:serviceport')
    }
    const tls = tlsOf(rules)
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { ...(annotations.length > 0 && { annotations: Object.fromEntries(annotations) }), name },
      spec: {
        ...(backend && { defaultBackend: backendOf(service ?? '', port ?? '') }),
        ...(flag.text(context, 'class') && { ingressClassName: flag.text(context, 'class') }),
        ...(rules.length > 0 && { rules: byHost(rules) }),
        ...(tls.length > 0 && { tls }),
      },
    }
  },
}

function parseRule(text: string): Rule {
  const parts = rulePattern.exec(text)?.groups
  if (!parts) throw new Error(`rule ${text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`)
  const { host = '', path = '/', service = '', port = '', secret } = parts
  const isPrefix = path.endsWith('*')
  return {
    host,
    path: {
      backend: backendOf(service, port),
      path: isPrefix ? path.slice(0, -1) : path,
      pathType: isPrefix ? 'Prefix' : 'Exact',
    },
    secret: text.includes(',') ? (secret ?? '') : undefined,
  }
}

function backendOf(name: string, port: string) {
  return { service: { name, port: /^-?\d+$/.test(port) ? { number: Number(port) } : { name: port } } }
}

function byHost(rules: readonly Rule[]): object[] {
  const hosts = new Map<string, object[]>()
  for (const { host, path } of rules) hosts.set(host, [...(hosts.get(host) ?? []), path])
  return [...hosts].map(([host, paths]) => ({ ...(host && { host }), http: { paths } }))
}

/** One entry for each secret; a host is in the first one that asks for it. */
function tlsOf(rules: readonly Rule[]): object[] {
  const secrets = new Map<string, string[]>()
  const seen = new Set<string>()
  for (const { host, secret } of rules) {
    if (secret === undefined || seen.has(host)) continue
    seen.add(host)
    if (host || secret) secrets.set(secret, [...(secrets.get(secret) ?? []), ...(host ? [host] : [])])
  }
  return [...secrets].map(([secretName, hosts]) => ({ ...(hosts.length > 0 && { hosts }), ...(secretName && { secretName }) }))
}
