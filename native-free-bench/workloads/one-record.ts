/** The smallest job: its time is start-up, planning and the end. */
import { discardSink, type Environment } from 'headrace'

export default (env: Environment): void => {
  env
    .fromData([{ a: 1 }])
    .map((row) => ({ b: row.a }))
    .sinkTo(discardSink())
}
