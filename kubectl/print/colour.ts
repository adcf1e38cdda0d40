/** Colours for a terminal, or none. */
export interface Colours {
  dim(text: string): string
  bold(text: string): string
  green(text: string): string
  yellow(text: string): string
  red(text: string): string
  cyan(text: string): string
}

const plain = (text: string) => text
const none: Colours = { dim: plain, bold: plain, green: plain, yellow: plain, red: plain, cyan: plain }

interface Screen {
  readonly isTerminal: boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Colours only where somebody looks and has not refused them (no-color.org). */
export async function coloursFor({ isTerminal, env }: Screen): Promise<Colours> {
  if (!isTerminal || env.NO_COLOR || env.TERM === 'dumb') return none
  const { default: picocolors } = await import('picocolors')
  const paint = picocolors.createColors(true)
  const unlessEmpty = (colour: (text: string) => string) => (text: string) => (text ? colour(text) : '')
  return {
    dim: unlessEmpty(paint.dim),
    bold: unlessEmpty(paint.bold),
    green: unlessEmpty(paint.green),
    yellow: unlessEmpty(paint.yellow),
    red: unlessEmpty(paint.red),
    cyan: unlessEmpty(paint.cyan),
  }
}

/** Without colours, for texts that are measured or tested. */
export const noColours = none
