import { layOut } from '../print/tab-stops.ts'

/** A description as it grows: lines at levels, tabs between cells. */
export interface Page {
  /** Adds a line; each level is two blanks. */
  line(level: number, text: string): void
  /** What follows is laid out for itself. */
  cut(): void
  text(): string
}

/** Nothing in an object may move the cursor of whoever looks at it. */
const tame = (text: string) => text.replaceAll('\u001b', '^[').replaceAll('\r', '\\r')

export function page(): Page {
  const parts: string[] = []
  let current: string[] = []
  return {
    line: (level, text) => void current.push('  '.repeat(level) + tame(text)),
    cut() {
      parts.push(...(current.length > 0 ? [layOut(current.join('\n'))] : []))
      current = []
    },
    text() {
      this.cut()
      return parts.map(part => `${part}\n`).join('')
    },
  }
}
