#!/usr/bin/env node
import { existsSync } from 'node:fs'

const bundle = new URL('../dist/wherry.mjs', import.meta.url)
if (!existsSync(bundle)) {
  const { ensureBundle, ensureDependencies } = await import('../scripts/bootstrap.mjs')
  ensureDependencies()
  await ensureBundle()
}
await import(bundle.href)
