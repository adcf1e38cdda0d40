import * as z from 'zod'
import { atomicList, choice, int64, named, requiredText, text } from '../schema.ts'

const SeLinuxOptions = named(
  'core/v1.SELinuxOptions',
  'An SELinux label.',
  () => ({
    user: text('User part of the label.'),
    role: text('Role part of the label.'),
    type: text('Type part of the label.'),
    level: text('Level part of the label.'),
  }),
  { wire: 'user role type level' },
)

const SeccompProfile = named(
  'core/v1.SeccompProfile',
  'Which system calls are allowed.',
  () => ({
    type: choice('Localhost', 'RuntimeDefault', 'Unconfined')
      .default('' as 'Unconfined')
      .describe('Where the profile comes from.'),
    localhostProfile: z.string().optional().describe("Path of the profile below the kubelet's seccomp folder."),
  }),
  { wire: 'type localhostProfile' },
)

const AppArmorProfile = named(
  'core/v1.AppArmorProfile',
  'Which AppArmor profile confines the container.',
  () => ({
    type: choice('Localhost', 'RuntimeDefault', 'Unconfined')
      .default('' as 'Unconfined')
      .describe('Where the profile comes from.'),
    localhostProfile: z.string().optional().describe('Name of a profile loaded on the node.'),
  }),
  { wire: 'type localhostProfile' },
)

const WindowsOptions = named(
  'core/v1.WindowsSecurityContextOptions',
  'Settings for Windows containers.',
  () => ({
    gmsaCredentialSpecName: z.string().optional(),
    gmsaCredentialSpec: z.string().optional(),
    runAsUserName: z.string().optional(),
    hostProcess: z.boolean().optional(),
  }),
  { wire: 'gmsaCredentialSpecName gmsaCredentialSpec runAsUserName hostProcess' },
)

const Capabilities = named(
  'core/v1.Capabilities',
  'Linux capabilities to give and to take.',
  () => ({
    add: atomicList(z.string()).optional().describe('Capabilities to give.'),
    drop: atomicList(z.string()).optional().describe('Capabilities to take.'),
  }),
  { wire: 'add drop' },
)

const common = {
  seLinuxOptions: SeLinuxOptions.optional().describe('SELinux label of the processes.'),
  windowsOptions: WindowsOptions.optional().describe('Settings for Windows containers.'),
  runAsUser: int64().optional().describe('User ID the processes run as.'),
  runAsGroup: int64().optional().describe('Group ID the processes run as.'),
  runAsNonRoot: z.boolean().optional().describe('Refuse to start as user 0.'),
  seccompProfile: SeccompProfile.optional().describe('Which system calls are allowed.'),
  appArmorProfile: AppArmorProfile.optional().describe('Which AppArmor profile confines the processes.'),
}

/** With which rights a container runs. */
export const SecurityContext = named(
  'core/v1.SecurityContext',
  "A container's privileges; they win over the pod's.",
  () => ({
    capabilities: Capabilities.optional().describe('Linux capabilities to give and to take.'),
    privileged: z.boolean().optional().describe("Give all of root's powers over the host."),
    ...common,
    readOnlyRootFilesystem: z.boolean().optional().describe('Mount the root file system read-only.'),
    allowPrivilegeEscalation: z.boolean().optional().describe('Whether a process may gain more rights than its parent has.'),
    procMount: choice('Default', 'Unmasked').optional().describe('How much of /proc is visible.'),
  }),
  {
    wire: `
      capabilities privileged seLinuxOptions runAsUser runAsNonRoot readOnlyRootFilesystem
      allowPrivilegeEscalation runAsGroup procMount windowsOptions seccompProfile appArmorProfile`,
  },
)
export type SecurityContext = z.output<typeof SecurityContext>

const Sysctl = named(
  'core/v1.Sysctl',
  'A kernel parameter of the pod.',
  () => ({
    name: requiredText('Name of the parameter.'),
    value: requiredText('Value to set.'),
  }),
  { wire: 'name value' },
)

/** With which rights all containers of a pod run. */
export const PodSecurityContext = named(
  'core/v1.PodSecurityContext',
  'Privileges of all containers of a pod.',
  () => ({
    ...common,
    supplementalGroups: atomicList(int64()).optional().describe('More group IDs for the processes.'),
    supplementalGroupsPolicy: choice('Merge', 'Strict').optional().describe("Whether the image's own groups count as well."),
    fsGroup: int64().optional().describe('Group that volumes belong to.'),
    fsGroupChangePolicy: choice('OnRootMismatch', 'Always').optional().describe('When to change the ownership of volumes.'),
    sysctls: atomicList(Sysctl).optional().describe('Kernel parameters to set.'),
    seLinuxChangePolicy: choice('Recursive', 'MountOption').optional().describe('How volumes get their SELinux label.'),
  }),
  {
    wire: `
      seLinuxOptions runAsUser runAsNonRoot supplementalGroups fsGroup runAsGroup sysctls windowsOptions
      fsGroupChangePolicy seccompProfile appArmorProfile supplementalGroupsPolicy seLinuxChangePolicy`,
  },
)
export type PodSecurityContext = z.output<typeof PodSecurityContext>
