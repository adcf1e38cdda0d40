import { spawn } from 'node:child_process'
import type { Io } from '../io.ts'

/** Lets the user edit a file in the editor of their choice, on this terminal. Resolves when it is closed; throws when it fails. */
export function openEditor({ env }: Pick<Io, 'env'>, file: string): Promise<void> {
  const editor = env.KUBE_EDITOR || env.EDITOR || 'vi'
  return new Promise((resolve, reject) => {
    // By the shell, as editors are set with their flags: EDITOR='code --wait'.
    const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit', env: { ...env } })
    child.on('error', error =>
      reject(new Error(`there was a problem with the editor ${JSON.stringify(editor)}: ${error.message}`)),
    )
    child.on('close', code => {
      if (code === 0) resolve()
      else reject(new Error(`there was a problem with the editor ${JSON.stringify(editor)}`))
    })
  })
}
