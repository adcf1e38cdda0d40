/** The program's version, and the Kubernetes version whose behaviour it follows. */
export const version = '0.1.0'
export const kubernetesVersion = 'v1.34.0'
