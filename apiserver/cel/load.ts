import type { Cel } from './compile.ts'

let loading: Promise<Cel> | undefined

/** The expression language, loaded when it is first asked for: most clusters run without a single expression. */
export function loadCel(): Promise<Cel> {
  loading ??= load()
  return loading
}

async function load(): Promise<Cel> {
  const [{ createCel }, library, evaluator] = await Promise.all([
    import('./compile.ts'),
    import('@marcbachmann/cel-js'),
    import('@marcbachmann/cel-js/evaluator'),
  ])
  return createCel({ ...library, Duration: evaluator.Duration, UnsignedInt: evaluator.UnsignedInt })
}
