/**
 * The name of a kernel parameter with dots between its parts: `net/ipv4/conf/eth0.1/forwarding`, where a dot is part of a name, is
 * `net.ipv4.conf.eth0/1.forwarding` (k8s.io/component-helpers/node/util/sysctl).
 */
export function dottedSysctl(name: string): string {
  const separator = /[./]/.exec(name)?.[0]
  return separator === '/' ? name.replace(/[./]/g, each => (each === '.' ? '/' : '.')) : name
}
