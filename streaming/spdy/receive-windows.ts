import { frameType, numbersFrame } from './frames.ts'
import type { FrameOutput } from './output.ts'

/** What SPDY/3.1 lets a sender have under way before it is told more, per stream and for all together. */
export const initialWindow = 64 * 1024
/** Consumed bytes are told about in steps of this. */
const windowStep = initialWindow / 2

/** Counts what the readers of streams have consumed. */
export interface ReceiveWindows {
  /** Where the stream says what it has consumed, and whether its end has come, for then the peer need not hear. */
  open(streamId: number): (bytes: number, hasFin: boolean) => void
}

/** Tells the peer what was consumed; of the connection as a whole only a peer that is known to count it. */
export function receiveWindows(output: FrameOutput, countsConnection: () => boolean): ReceiveWindows {
  let ofAll = 0
  return {
    open(streamId) {
      let own = 0
      return (bytes, hasFin) => {
        own += bytes
        ofAll += bytes
        if (own >= windowStep && !hasFin) {
          output.send(numbersFrame(frameType.windowUpdate, streamId, own))
          own = 0
        }
        if (ofAll >= windowStep) {
          if (countsConnection()) output.send(numbersFrame(frameType.windowUpdate, 0, ofAll))
          ofAll = 0
        }
      }
    },
  }
}
