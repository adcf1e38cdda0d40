/** How long to rest after so many pods were looked at for one answer: the more there are, the more news are done at a time. */
export const restMsFor = (pods: number): number => Math.min(pods / 10, 1000)
