#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=32 --no-parallel-scavenge
import { existsSync } from 'node:fs'

const bundle = new URL('../dist/wherry.mjs', import.meta.url)
if (!existsSync(bundle)) {
  const { ensureBundle, ensureDependencies } = await import('./bootstrap.mjs')
  ensureDependencies()
  await ensureBundle()
}
await import(bundle.href)
