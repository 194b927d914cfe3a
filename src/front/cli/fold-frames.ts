/**
 * Frames of a stack with what recursion repeats folded: a run of equal frames, or of a few that take turns, stands once, with how
 * often it came again. Pure.
 */

/** Functions that call each other in a ring of more than this are rare, and their frames are left as they are. */
const longestRing = 8
/** A function that calls itself once or twice is worth its lines. */
const fewestTimes = 3

export function foldFrames(frames: readonly string[]): string[] {
  const folded: string[] = []
  for (let i = 0; i < frames.length; ) {
    const ring = ringAt(frames, i)
    if (ring === undefined) {
      folded.push(frames[i++]!)
      continue
    }
    const { length, times } = ring
    folded.push(...frames.slice(i, i + length), `... ${length === 1 ? 'this frame' : `these ${length} frames`} ${times - 1} times more`)
    i += length * times
  }
  return folded
}

/** The shortest run of frames from `at` on that comes several times in a row. */
function ringAt(frames: readonly string[], at: number): { readonly length: number; readonly times: number } | undefined {
  for (let length = 1; length <= longestRing; length++) {
    let same = 0
    while (at + length + same < frames.length && frames[at + same] === frames[at + length + same]) same++
    const times = 1 + Math.floor(same / length)
    if (times >= fewestTimes) return { length, times }
  }
  return undefined
}
