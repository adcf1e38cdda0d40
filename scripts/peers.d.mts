export declare const debianKubectl: string
/** Fetches Debian's kubernetes-client package. Throws when it is not to be had. */
export declare function ensureDebianKubectl(): void
