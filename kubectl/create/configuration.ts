import { flag } from '../command.ts'
import type { Generator } from './generator.ts'
import { isText, keyValues, sourceFlags } from './key-values.ts'

export const configMap: Generator = {
  name: 'configmap',
  aliases: ['cm'],
  usage: 'configmap NAME [--from-literal=KEY=VALUE] [--from-file=[KEY=]PATH] [--from-env-file=PATH]',
  flags: sourceFlags,
  async make(context, name) {
    const entries = [...(await keyValues(context))]
    const texts = entries.filter(([, value]) => isText(value)).map(([key, value]) => [key, value.toString('utf8')])
    const bytes = entries.filter(([, value]) => !isText(value)).map(([key, value]) => [key, value.toString('base64')])
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name },
      ...(texts.length > 0 && { data: Object.fromEntries(texts) }),
      ...(bytes.length > 0 && { binaryData: Object.fromEntries(bytes) }),
    }
  },
}

export const genericSecret: Generator = {
  name: 'secret generic',
  usage: 'secret generic NAME [--type=TYPE] [--from-literal=KEY=VALUE] [--from-file=[KEY=]PATH] [--from-env-file=PATH]',
  flags: { ...sourceFlags, type: { type: 'string', help: 'The type of secret' } },
  async make(context, name) {
    const data = [...(await keyValues(context))].map(([key, value]) => [key, value.toString('base64')])
    const type = flag.text(context, 'type')
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      ...(data.length > 0 && { data: Object.fromEntries(data) }),
      ...(type && { type }),
    }
  },
}

export const tlsSecret: Generator = {
  name: 'secret tls',
  usage: 'secret tls NAME --cert=FILE --key=FILE',
  flags: {
    'append-hash': sourceFlags['append-hash'],
    cert: { type: 'string', help: 'The certificate, PEM', placeholder: 'FILE' },
    key: { type: 'string', help: 'Its private key, PEM', placeholder: 'FILE' },
  },
  async make(context, name) {
    const { readFile } = await import('node:fs/promises')
    const read = async (what: string) => {
      const path = flag.text(context, what)
      if (!path) throw new Error(`${what === 'key' ? 'key' : 'certificate'} is required: --${what}=FILE`)
      return (await readFile(path)).toString('base64')
    }
    const data = { 'tls.crt': await read('cert'), 'tls.key': await read('key') }
    return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type: 'kubernetes.io/tls', data }
  },
}

export const registrySecret: Generator = {
  name: 'secret docker-registry',
  usage:
    'secret docker-registry NAME --docker-username=USER --docker-password=PASSWORD [--docker-server=HOST] [--docker-email=EMAIL] [--from-file=PATH]',
  flags: {
    'from-file': sourceFlags['from-file'],
    'append-hash': sourceFlags['append-hash'],
    'docker-server': { type: 'string', help: 'The registry' },
    'docker-username': { type: 'string', help: 'Who logs in to it' },
    'docker-password': { type: 'string', help: 'And with which password' },
    'docker-email': { type: 'string', help: 'An address for it', hidden: true },
  },
  async make(context, name) {
    const type = 'kubernetes.io/dockerconfigjson'
    if (flag.list(context, 'from-file').length > 0) {
      const data = [...(await keyValues(context, '.dockerconfigjson'))].map(([key, value]) => [key, value.toString('base64')])
      return { apiVersion: 'v1', kind: 'Secret', metadata: { name }, type, data: Object.fromEntries(data) }
    }
    const [username, password, email] = ['username', 'password', 'email'].map(what => flag.text(context, `docker-${what}`))
    if (!username || !password)
      throw new Error(
        'either --from-file or the combination of --docker-username, --docker-password and --docker-server is required',
      )
    const server = flag.text(context, 'docker-server') ?? 'https://index.docker.io/v1/'
    const auth = Buffer.from(`${username}:${password}`).toString('base64')
    const config = JSON.stringify({ auths: { [server]: { username, password, ...(email && { email }), auth } } })
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name },
      type,
      data: { '.dockerconfigjson': Buffer.from(config).toString('base64') },
    }
  },
}
