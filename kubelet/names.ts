interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string | undefined; readonly uid: string }
}

/** `name_namespace(uid)`: how the kubelet's messages name a pod. */
export function podLabel({ metadata }: Named): string {
  return `${metadata.name}_${metadata.namespace ?? ''}(${metadata.uid})`
}

/** A duration as Go prints it: `0s`, `40s`, `1m20s`, `2h45m0s`, `1.204s`, `350ms`. */
export function goDuration(ms: number): string {
  if (ms === 0) return '0s'
  if (ms < 1000) return `${Math.round(ms)}ms`
  const hours = Math.trunc(ms / 3_600_000)
  const minutes = Math.trunc((ms % 3_600_000) / 60_000)
  const seconds = Number(((ms % 60_000) / 1000).toFixed(3))
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds}s`
}
