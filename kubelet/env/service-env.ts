/** As much of a Service as becomes environment variables. */
export interface ServiceAddress {
  readonly metadata: { readonly namespace?: string | undefined; readonly name: string }
  readonly spec: {
    readonly clusterIP?: string | undefined
    readonly ports?:
      | readonly { readonly name?: string | undefined; readonly port: number; readonly protocol?: string | undefined }[]
      | undefined
  }
}

/**
 * The variables by which a container finds the services of its namespace and the API server (semantics C13, pkg/kubelet/envvars).
 * With links off only the API server's. Headless services have none.
 */
export function serviceVariables(
  services: readonly ServiceAddress[],
  namespace: string,
  enableLinks: boolean,
): Map<string, string> {
  const chosen = new Map<string, ServiceAddress>()
  for (const service of services) {
    const { clusterIP } = service.spec
    if (!clusterIP || clusterIP === 'None') continue
    const { name, namespace: home } = service.metadata
    if (home === namespace && enableLinks) chosen.set(name, service)
    else if (home === 'default' && name === 'kubernetes' && !chosen.has(name)) chosen.set(name, service)
  }
  const variables = new Map<string, string>()
  for (const service of chosen.values()) addVariables(variables, service)
  return variables
}

const variableName = (text: string) => text.toUpperCase().replaceAll('-', '_')

function addVariables(variables: Map<string, string>, { metadata, spec }: ServiceAddress): void {
  const prefix = variableName(metadata.name)
  const ip = spec.clusterIP ?? ''
  const host = ip.includes(':') ? `[${ip}]` : ip
  variables.set(`${prefix}_SERVICE_HOST`, ip)
  for (const [i, { name, port, protocol = 'TCP' }] of (spec.ports ?? []).entries()) {
    const lower = protocol.toLowerCase()
    const url = `${lower}://${host}:${port}`
    if (i === 0) variables.set(`${prefix}_SERVICE_PORT`, String(port)).set(`${prefix}_PORT`, url)
    if (name) variables.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port))
    const perPort = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
    variables.set(perPort, url)
    variables.set(`${perPort}_PROTO`, lower)
    variables.set(`${perPort}_PORT`, String(port))
    variables.set(`${perPort}_ADDR`, ip)
  }
}
