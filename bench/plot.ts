import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { initWasm, Resvg } from '@resvg/resvg-wasm'
import { scaleLinear, scaleLog } from 'd3-scale'
import { area, line } from 'd3-shape'
import type { Growth } from './growth.ts'
import type { ScaleStory } from './scale.ts'

const font = 'DejaVu Sans'
const ink = '#2b3440'
const faint = '#d9dee5'
const colours = ['#2f6fde', '#d9622b', '#2a9d6f', '#8a4fc9', '#b0871c', '#c2405f', '#4a6b80']

interface Panel {
  readonly top: number
  readonly height: number
  readonly title: string
  readonly unit: string
  readonly colour: string
  readonly values: readonly (readonly [atInS: number, value: number])[]
}

/** Memory and processor time of a story over time, with what went on, as SVG. */
export function timeline({ nodes, pods, phases, samples }: ScaleStory): string {
  const [width, height, left, right] = [1100, 620, 70, 20]
  const end = samples.at(-1)?.atInS ?? 1
  const x = scaleLinear([0, end], [left, width - right])
  const bands = phases.map(({ name, fromInS, tookInS }, i) => {
    const [from, to] = [x(fromInS), x(fromInS + tookInS)]
    const label = `<text transform="translate(${from + 14} 560) rotate(-90)" font-size="11">${name} ${tookInS.toFixed(1)} s</text>`
    return `<rect x="${from}" y="60" width="${to - from}" height="505" fill="${i % 2 ? '#f3f5f8' : '#fbfcfd'}"/>${label}`
  })
  const panels: Panel[] = [
    {
      top: 60,
      height: 230,
      title: 'resident memory',
      unit: 'MB',
      colour: '#2f6fde',
      values: samples.map(({ atInS, residentMegabytes }) => [atInS, residentMegabytes] as const),
    },
    {
      top: 330,
      height: 235,
      title: 'processor',
      unit: 'cores',
      colour: '#d9622b',
      values: samples.map(({ atInS, cores }) => [atInS, cores] as const),
    },
  ]
  const ticks = x.ticks(12).map(at => `<text x="${x(at)}" y="590" text-anchor="middle" font-size="11">${at} s</text>`)
  const title = heading(`${pods.toLocaleString('en')} pods on ${nodes.toLocaleString('en')} simulated nodes, one process`)
  return svg(width, height, [title, ...bands, ...panels.map(panel => drawPanel(panel, x, left, width - right)), ...ticks])
}

function drawPanel({ top, height, title, unit, colour, values }: Panel, x: (at: number) => number, left: number, right: number) {
  const most = Math.max(...values.map(([, value]) => value), 0.001)
  const y = scaleLinear([0, most * 1.1], [top + height, top]).nice()
  const path = area<readonly [number, number]>()
    .x(([at]) => x(at))
    .y0(y(0))
    .y1(([, value]) => y(value))
  const grid = y.ticks(5).map(value => {
    const at = y(value)
    const text = `<text x="${left - 8}" y="${at + 4}" text-anchor="end" font-size="11">${value}</text>`
    return `<line x1="${left}" x2="${right}" y1="${at}" y2="${at}" stroke="${faint}"/>${text}`
  })
  const label = `<text x="${left + 6}" y="${top - 6}" font-size="12" font-weight="bold">${title}, ${unit}</text>`
  const shape = `<path d="${path(values)}" fill="${colour}" fill-opacity="0.25" stroke="${colour}" stroke-width="1.5"/>`
  return [...grid, label, shape].join('')
}

/** How figures grow, on logarithmic scales: the steepness of a line is its exponent. */
export function growthPlot(unit: string, all: readonly Growth[]): string {
  const [width, height, left, right, top, bottom] = [1100, 560, 70, 430, 60, 510]
  const points = all.flatMap(({ points }) => points)
  const xs = points.map(([size]) => size)
  const ys = points.map(([, value]) => Math.max(value, 0.01))
  const x = scaleLog([Math.min(...xs), Math.max(...xs)], [left, width - right])
  const y = scaleLog([Math.min(...ys), Math.max(...ys)], [bottom, top]).nice()
  const path = line<readonly [number, number]>()
    .x(([size]) => x(size))
    .y(([, value]) => y(Math.max(value, 0.01)))
  const grid = y.ticks(6).map(value => {
    const at = y(value)
    const isDecade = Math.abs(Math.log10(value) % 1) < 1e-9
    const text = isDecade ? `<text x="${left - 8}" y="${at + 4}" text-anchor="end" font-size="11">${value}</text>` : ''
    return `<line x1="${left}" x2="${width - right}" y1="${at}" y2="${at}" stroke="${faint}"/>${text}`
  })
  const sizes = [...new Set(xs)].map(
    size => `<text x="${x(size)}" y="${bottom + 20}" text-anchor="middle" font-size="11">${size}</text>`,
  )
  const lines = all.map(({ name, unit: of, exponent, points }, i) => {
    const colour = colours[i % colours.length]
    const dots = points.map(
      ([size, value]) => `<circle cx="${x(size)}" cy="${y(Math.max(value, 0.01))}" r="3.5" fill="${colour}"/>`,
    )
    const key = `<text x="${width - right + 24}" y="${top + 22 * i + 8}" font-size="12" fill="${colour}">${name} (${of}): ${unit}^${exponent.toFixed(2)}</text>`
    return `<path d="${path(points)}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${key}`
  })
  return svg(width, height, [heading(`how it grows with the number of ${unit}`), ...grid, ...sizes, ...lines])
}

const heading = (text: string) => `<text x="24" y="30" font-size="16" font-weight="bold">${text}</text>`

const svg = (width: number, height: number, parts: readonly string[]) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${font}, sans-serif" fill="${ink}"><rect width="${width}" height="${height}" fill="white"/>${parts.join('\n')}</svg>\n`

/** The same picture as PNG. */
export async function png(picture: string): Promise<Uint8Array> {
  const { resolve } = createRequire(import.meta.url)
  await (ready ??= readFile(resolve('@resvg/resvg-wasm/index_bg.wasm')).then(wasm => initWasm(wasm)))
  const faces = ['DejaVuSans', 'DejaVuSans-Bold'].map(face => readFile(resolve(`dejavu-fonts-ttf/ttf/${face}.ttf`)))
  const fonts = { fontBuffers: await Promise.all(faces), defaultFontFamily: font }
  return new Resvg(picture, { font: fonts, fitTo: { mode: 'zoom', value: 2 } }).render().asPng()
}

let ready: Promise<void> | undefined
