import type { Volume } from '../../../api/core/volume.ts'
import { type Check, type PodLike, plural, quoted, sorted } from './check.ts'
import { hostPathVolumes } from './host-checks.ts'

/** Rules about kernel parameters and volumes (k8s.io/pod-security-admission/policy). */

const sysctlsBeyond = (allowed: readonly string[]) => (pod: PodLike) => {
  const forbidden = (pod.spec.securityContext.sysctls ?? []).map(({ name }) => name).filter(name => !allowed.includes(name))
  return forbidden.length > 0 ? { reason: 'forbidden sysctls', detail: forbidden.join(', ') } : undefined
}

const sysctlsSince0 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
]
const sysctlsSince27 = [...sysctlsSince0, 'net.ipv4.ip_local_reserved_ports']
const sysctlsSince29 = [
  ...sysctlsSince27,
  ...['net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_fin_timeout', 'net.ipv4.tcp_keepalive_intvl', 'net.ipv4.tcp_keepalive_probes'],
]
const sysctlsSince32 = [...sysctlsSince29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']

export const sysctls: Check = {
  id: 'sysctls',
  level: 'baseline',
  since: [
    [0, sysctlsBeyond(sysctlsSince0)],
    [27, sysctlsBeyond(sysctlsSince27)],
    [29, sysctlsBeyond(sysctlsSince29)],
    [32, sysctlsBeyond(sysctlsSince32)],
  ],
}

const restrictedTo = [
  ...['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'image', 'persistentVolumeClaim', 'projected', 'secret'],
] as const
const others = [
  ...['hostPath', 'gcePersistentDisk', 'awsElasticBlockStore', 'gitRepo', 'nfs', 'iscsi', 'glusterfs', 'rbd', 'flexVolume'],
  ...['cinder', 'cephfs', 'flocker', 'fc', 'azureFile', 'vsphereVolume', 'quobyte', 'azureDisk', 'photonPersistentDisk'],
  ...['portworxVolume', 'scaleIO', 'storageos'],
] as const

const has = (volume: Volume, source: string) => (volume as Readonly<Record<string, unknown>>)[source] !== undefined

export const restrictedVolumes: Check = {
  id: 'restrictedVolumes',
  level: 'restricted',
  since: [
    [
      0,
      ({ spec }) => {
        const bad = (spec.volumes ?? []).filter(volume => !restrictedTo.some(source => has(volume, source)))
        if (bad.length === 0) return undefined
        const types = sorted(bad.map(volume => others.find(source => has(volume, source)) ?? 'unknown'))
        const volumes = `${plural('volume', bad.length)} ${quoted(bad.map(({ name }) => name))}`
        const what = `${plural('restricted volume type', types.length)} ${quoted(types)}`
        return { reason: 'restricted volume types', detail: `${volumes} ${bad.length === 1 ? 'uses' : 'use'} ${what}` }
      },
    ],
  ],
  replaces: hostPathVolumes.id,
}
