/**
 * Lays text out by elastic tab stops, as Go's text/tabwriter does with a padding of two: a tab ends a cell, and cells that stand
 * one above the other without a gap are equally wide. What follows a line's last tab takes no part.
 */
export function layOut(text: string, padding = 2): string {
  const lines = text.split('\n').map(line => line.split('\t'))
  const widths = lines.map(cells => cells.map(() => 0))
  const columns = Math.max(...lines.map(cells => cells.length))
  for (let column = 0; column < columns; column++) {
    const isIn = (i: number) => column < (lines[i]?.length ?? 0) - 1
    for (let first = 0; first < lines.length; first++) {
      if (!isIn(first)) continue
      let end = first
      let width = 0
      for (; isIn(end); end++) width = Math.max(width, lengthOf(lines[end]?.[column] ?? ''))
      for (let i = first; i < end; i++) (widths[i] as number[])[column] = width + padding
      first = end
    }
  }
  return lines.map((cells, i) => cells.map((cell, column) => padTo(cell, widths[i]?.[column] ?? 0)).join('')).join('\n')
}

const lengthOf = (text: string) => [...text].length
const padTo = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - lengthOf(text)))
