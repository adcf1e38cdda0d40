import { type Deed, pick, type Theme } from '../theme.ts'

/** Of three processes any may lead next: the same one again, another that has followed all the time, or one that begins only now. */
const restart: Deed = ({ cluster, random }) => {
  const process = pick(random, 0, 0, 1, 1, 2)
  return { text: `process ${process} takes over`, act: () => cluster.restart(process) }
}

export const processes: Theme = { name: 'processes', deeds: [restart] }
