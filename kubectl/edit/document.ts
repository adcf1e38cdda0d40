/** The comment that an edited file begins with. What was wrong with the last attempt comes below it. */
export function header(faults: readonly string[] = []): string {
  const intro = `Please edit the object below. Lines beginning with a '#' will be ignored,
and an empty file will abort the edit. If an error occurs while saving this file will be
reopened with the relevant failures.
`
  const told = faults.length > 0 ? `\n${faults.join('\n')}\n` : ''
  return `${intro}${told}`
    .split('\n')
    .map(line => (line === '' ? '#\n' : `# ${line}\n`))
    .join('')
}

/** A file without the comments that it begins with. */
export function withoutHeader(text: string): string {
  const lines = text.split('\n')
  const first = lines.findIndex(line => !line.startsWith('#'))
  return first < 0 ? '' : lines.slice(first).join('\n')
}

/** Whether nothing is left but comments and blank lines: the edit is called off. */
export function isEmptyEdit(text: string): boolean {
  return text.split('\n').every(line => line.trim() === '' || line.startsWith('#'))
}
