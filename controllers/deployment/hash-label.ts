/** The label that tells the pods of one version from those of another. */
export const hashLabel = 'pod-template-hash'
