/** Compresses standard input into the file that is named. */
import { writeFileSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { brotliCompressSync, constants } from 'node:zlib'

const lines = await buffer(process.stdin)
const params = { [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: lines.length }
const packed = brotliCompressSync(lines, { params })
writeFileSync(process.argv[2], packed)
console.log(`${lines.length} bytes became ${packed.length}`)
