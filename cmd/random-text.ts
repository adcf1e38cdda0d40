import { randomInt } from 'node:crypto'

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Letters and digits that nobody can guess. */
export const randomText = (length: number): string => Array.from({ length }, () => letters[randomInt(letters.length)]).join('')
