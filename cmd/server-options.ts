import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { ApiServerOptions } from './api-server.ts'
import { UsageError } from './flags.ts'
import type { UpOptions } from './options.ts'

/** What the API server is to do beyond the usual, with the files that flags name. Throws a UsageError about one that is no good. */
export async function serverOptions(
  { auditLog, auditPolicy, admissionConfig, tokenFile, issuer }: UpOptions,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Pick<ApiServerOptions, 'audit' | 'podSecurity' | 'staticTokens' | 'issuer'>> {
  const staticTokens = tokenFile !== undefined && (await reading('token-auth-file', () => readTokens(tokenFile)))
  const audit = auditLog !== undefined && (await reading('audit-log-path', () => openAudit(auditLog, auditPolicy)))
  const podSecurity =
    admissionConfig !== undefined && (await reading('admission-control-config-file', () => readPodSecurity(admissionConfig)))
  return {
    ...(issuer !== undefined && { issuer }),
    ...(staticTokens && { staticTokens }),
    ...(audit && { audit }),
    ...(podSecurity && { podSecurity }),
  }

  async function openAudit(path: string, policyFile: string | undefined) {
    const { auditFile, metadataOfEverything, readPolicy } = await import('../apiserver/audit/audit-file.ts')
    const policy =
      policyFile === undefined ? metadataOfEverything : await reading('audit-policy-file', () => readPolicy(policyFile))
    return auditFile({ path, policy, clock, log })
  }
}

/** Paths in it start from its own folder. */
async function readPodSecurity(path: string) {
  const [{ parse }, { podSecurityIn }] = await Promise.all([
    import('yaml'),
    import('../apiserver/admission/pod-security/configuration.ts'),
  ])
  const read = async (file: string): Promise<unknown> => parse(await readFile(file, 'utf8'))
  return podSecurityIn(await read(path), other => read(resolve(dirname(path), other)))
}

async function readTokens(path: string) {
  const { parseTokenFile } = await import('../apiserver/auth/token-file.ts')
  return parseTokenFile(await readFile(path, 'utf8'))
}

async function reading<T>(flag: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`--${flag}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
