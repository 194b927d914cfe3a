/**
 * The steady part of a job: from the moment a part of its input was read until all has ended (the drain and the last
 * windows included), with the processor time of the whole process in that span. So does the peer measure.
 */
import type { JobClient, JobExecutionResult } from 'headrace'

export interface Measurement {
  /** Records read in the span. */
  readonly records: number
  readonly seconds: number
  readonly coreSeconds: number
  readonly result: JobExecutionResult
}

/** `warm` of `records` are not measured. A job that is half over before anyone looked is measured from its start. */
export async function measure(job: JobClient, records: number, warm: number): Promise<Measurement> {
  let from = { records: 0, at: performance.now(), cpu: process.cpuUsage() }
  let marked = false
  job.onProgress(({ recordsIn }) => {
    if (marked || recordsIn < records * warm || recordsIn > records / 2) return
    marked = true
    from = { records: recordsIn, at: performance.now(), cpu: process.cpuUsage() }
  })
  const result = await job.result
  const seconds = (performance.now() - from.at) / 1000
  const cpu = process.cpuUsage(from.cpu)
  return { records: records - from.records, seconds, coreSeconds: (cpu.user + cpu.system) / 1e6, result }
}
