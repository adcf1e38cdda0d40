/** A few lines on a terminal that are drawn over and over in the same place. */
export interface Redrawn {
  draw(lines: readonly string[]): void
  /** Takes the lines away. */
  clear(): void
}

/** Lines must not be wider than the terminal; those that do not fit below one another are left out. */
export function redrawn({ out, rows }: { out: (text: string) => void; rows: number }): Redrawn {
  let drawn = 0
  const home = () => (drawn > 0 ? `\u001b[${drawn}A\r\u001b[J` : '')
  return {
    draw(lines) {
      const fitting = lines.slice(0, Math.max(1, rows - 1))
      out(home() + fitting.map(line => `${line}\n`).join(''))
      drawn = fitting.length
    },
    clear() {
      out(home())
      drawn = 0
    },
  }
}
