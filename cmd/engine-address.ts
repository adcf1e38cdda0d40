/** DOCKER_HOST as the runtime takes it; nothing when it is not set. */
export function engineFromEnv(host = process.env.DOCKER_HOST): { socketPath?: string; host?: string } {
  if (!host) return {}
  return host.startsWith('unix://') ? { socketPath: host.slice('unix://'.length) } : { host }
}
