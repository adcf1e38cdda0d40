const short: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
}

/** Access modes as tables show them: `RWO,ROX`, each once and in this order. */
export function shortModes(modes: readonly string[] | undefined): string {
  return Object.keys(short)
    .filter(mode => modes?.includes(mode))
    .map(mode => short[mode])
    .join(',')
}
