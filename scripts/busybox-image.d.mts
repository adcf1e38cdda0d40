export function ensureBusyboxImage(
  address?: { socketPath: string } | { host: string; port: number },
): Promise<'present' | 'pulled' | 'built'>
