/** `namespace/name`, or `name` for cluster-scoped objects: the key that queues and caches use. */
export function keyOf(object: { metadata: { name: string; namespace?: string | undefined } }): string {
  const { namespace, name } = object.metadata
  return namespace ? `${namespace}/${name}` : name
}

/** The two halves of a key. */
export function splitKey(key: string): { namespace: string; name: string } {
  const slash = key.indexOf('/')
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
