import type { StaticToken } from './authenticator.ts'

/**
 * Reads a file of known tokens: lines of `token,user,uid,"group1,group2"`, the groups optional
 * (k8s.io/apiserver/pkg/authentication/token/tokenfile). Throws an Error that names the line.
 */
export function parseTokenFile(text: string): readonly StaticToken[] {
  const tokens: StaticToken[] = []
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const fields = [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)]
    const [token = '', name = '', uid = '', groups = ''] = fields.map(
      ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare?.trim(),
    )
    if (fields.length < 3 || !token || !name) throw new Error(`line ${i + 1} is not of the form token,user,uid,"group1,group2"`)
    const user = {
      name,
      groups: groups
        .split(',')
        .map(group => group.trim())
        .filter(Boolean),
      ...(uid && { uid }),
    }
    tokens.push({ token, user })
  }
  return tokens
}
