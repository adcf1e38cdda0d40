// Fails when an import breaks the table in layers.mjs, when files import each other in a circle, or when code reaches for a global that is fenced in.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fences, globals, layers } from './layers.mjs'

const isTest = file => /\.(test|contract)\.ts$|(^|\/)testing\.ts$/.test(file)
const importPattern =
  /^\s*(import|export)\s+(type\s)?[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s+['"]([^'"]+)['"]/gm

/** Source text without comments and the insides of strings, for rules about code. */
const codeOf = text => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')

export function check(files) {
  const problems = []
  const graph = new Map()
  for (const { file, text } of files) {
    const [folder] = file.split('/')
    const allowed = layers[folder]
    if (!allowed) continue
    const edges = []
    const code = codeOf(text)
    for (const match of code.matchAll(importPattern)) {
      const specifier = match[3] ?? match[4] ?? match[5]
      const isType =
        match[2] !== undefined ||
        (/^\s*import\(/.test(match[0]) === false && /^\s*(import|export)\s*\{\s*(type\s+\w+\s*,?\s*)+\}/.test(match[0]))
      if (specifier.startsWith('.')) {
        const target = normalize(join(dirname(file), specifier))
        const [targetFolder] = target.split('/')
        if (!isType && match[4] === undefined) edges.push(target)
        if (isTest(file) || allowed === '*' || targetFolder === folder) continue
        if (!allowed.includes(targetFolder)) {
          problems.push(`${file}: imports ${target}, but ${folder} may import only ${[folder, ...allowed].join(', ')}`)
        }
      } else if (!isTest(file) && allowed !== '*' && !isType) {
        const library = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0]
        const places = fences[library]
        if (places && !places.some(place => file.startsWith(place))) {
          problems.push(`${file}: imports ${library}, which belongs in ${places.join(' or ')}`)
        }
      }
    }
    graph.set(file, edges)
    if (isTest(file)) continue
    for (const { pattern, name, allowed: places } of globals) {
      if (places.some(place => file.startsWith(place))) continue
      const line = code.split('\n').findIndex(text => pattern.test(text))
      if (line >= 0)
        problems.push(
          `${file}: uses ${name} ("${code.split('\n')[line].trim().slice(0, 60)}"), which belongs in ${places.slice(0, 2).join(' or ')}`,
        )
    }
  }
  for (const circle of circles(graph)) problems.push(`a circle of imports: ${circle.join(' -> ')}`)
  return problems
}

function circles(graph) {
  const found = []
  const state = new Map()
  const visit = (file, path) => {
    if (state.get(file) === 'done') return
    if (state.get(file) === 'open') {
      found.push([...path.slice(path.indexOf(file)), file])
      return
    }
    state.set(file, 'open')
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    state.set(file, 'done')
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

/** The table as a picture, lowest layer last. */
export function picture() {
  return Object.entries(layers)
    .filter(([, below]) => below !== '*')
    .map(([folder, below]) => `${folder.padEnd(12)} -> ${below.join(', ') || '(nothing of ours)'}`)
    .reverse()
    .join('\n')
}

export function sourceFiles() {
  return Object.keys(layers).flatMap(folder => {
    try {
      return readdirSync(folder, { recursive: true })
        .map(name => join(folder, String(name)))
        .filter(name => name.endsWith('.ts'))
        .map(file => ({ file, text: readFileSync(file, 'utf8') }))
    } catch {
      return []
    }
  })
}

if (process.argv[1]?.endsWith('check-layers.mjs')) {
  if (process.argv.includes('--picture')) console.log(picture())
  else {
    const files = sourceFiles()
    const problems = check(files)
    for (const problem of problems) console.error(problem)
    if (problems.length > 0) process.exit(1)
    console.log(`layers: ${files.length} files keep to the table`)
  }
}
