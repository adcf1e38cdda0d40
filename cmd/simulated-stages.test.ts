import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stagesFile } from './simulated-stages.ts'

test('a file of stages is read; what is wrong with it is said, and where', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-stages-'))
  const read = async (text: string) => {
    const path = join(folder, 'stages.yaml')
    await writeFile(path, text)
    return stagesFile(path).catch((error: Error) => `${error.name}: ${error.message.replace(path, 'FILE')}`)
  }
  try {
    expect(await read('seed: 4\nstages: [{ on: start, after: 2s }]')).toEqual({ seed: 4, stages: [{ on: 'start', after: 2000 }] })
    expect(await read('stages: [{ on: start, after: soon }]')).toContain(
      '--simulated-stages FILE: stages[0].after: "soon" is no duration',
    )
    expect(await read('stages: [')).toContain('--simulated-stages: FILE is no YAML')
    await expect(stagesFile(join(folder, 'nowhere'))).rejects.toThrow('nowhere cannot be read (ENOENT)')
  } finally {
    await rm(folder, { recursive: true })
  }
})
