/** So few that looking at all of them again for each piece of news costs next to nothing. */
const fewPods = 50

/** How long to rest after so many pods were looked at for one answer: the more there are, the more news are done at a time. */
export const restMsFor = (pods: number): number => (pods < fewPods ? 0 : Math.min(pods / 10, 1000))
