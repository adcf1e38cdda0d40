import { durationText, timestampText } from '../values.ts'
import { addFunctions, CelError, type Library } from './library.ts'

const duration = 'google.protobuf.Duration'
const time = 'google.protobuf.Timestamp'

/** Conversions and comparisons that CEL has and the library lacks. */
export const conversions: Library = env =>
  addFunctions(env, {
    [`string(${duration}): string`]: durationText,
    [`string(${time}): string`]: timestampText,
    [`int(${time}): int`]: (date: Date) => BigInt(Math.floor(date.getTime() / 1000)),
    'int(uint): int'(value: { valueOf(): bigint }) {
      if (value.valueOf() > 9223372036854775807n) throw new CelError('integer overflow')
      return value.valueOf()
    },
    [`timestamp(${time}): ${time}`]: (value: Date) => value,
    [`duration(${duration}): ${duration}`]: (value: unknown) => value,
  })
