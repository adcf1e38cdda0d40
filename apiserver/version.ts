/** The Kubernetes release whose behaviour this server shows, as `/version` tells it. */
export const version = {
  major: '1',
  minor: '34',
  gitVersion: 'v1.34.0+wherry',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
} as const
