/** How a kubelet serves (KubeletConfiguration); the defaults are upstream's but for the address and the webhooks, which it sets alike. */
export interface KubeletServerConfig {
  readonly address: string
  /** 0: any free one. */
  readonly port: number
  /** The authority (PEM) that client certificates come from; absent: nobody is known by a certificate. */
  readonly clientCa?: string | undefined
  /** Whether those without credentials are let in as system:anonymous. */
  readonly anonymous: boolean
  /** Whether bearer tokens are good, which the API server is asked. */
  readonly tokenWebhook: boolean
  readonly tokenLifetimeInMs: number
  /** `webhook`: the API server is asked. */
  readonly authorization: 'webhook' | 'alwaysAllow'
  readonly allowedLifetimeInMs: number
  readonly deniedLifetimeInMs: number
  /** Commands, connections and logs of containers; without, those paths answer 405. */
  readonly debuggingHandlers: boolean
  /** The folder that /logs/ shows; absent: it answers 405. */
  readonly logsDir?: string | undefined
  /** Where health is told to anybody, over plain HTTP; absent: nowhere. */
  readonly healthz?: { readonly address: string; readonly port: number } | undefined
}

export const defaultServerConfig: KubeletServerConfig = {
  address: '0.0.0.0',
  port: 10250,
  anonymous: false,
  tokenWebhook: true,
  tokenLifetimeInMs: 120_000,
  authorization: 'webhook',
  allowedLifetimeInMs: 300_000,
  deniedLifetimeInMs: 30_000,
  debuggingHandlers: true,
}
