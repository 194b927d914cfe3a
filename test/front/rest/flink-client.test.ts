/** Flink's own command line, and Flink's own classes for every body, against our server: where Flink has been built beside the benchmarks. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endless } from './endless.ts'
import { location } from './job-cluster.ts'
import { eventually, type Rest, startRest } from './rest-client.ts'

const flink = fileURLToPath(new URL('../../../native-free-bench/peers/flink/target/lib', import.meta.url))
const isThere = existsSync(flink) && readdirSync(flink).some((jar) => jar.startsWith('flink-clients-'))

if (!isThere) console.log(`skipped: Flink's client is not in ${flink}; npm run bench -- --peer flink builds it, where Java and Maven are`)

describe.runIf(isThere)("Flink's own client", () => {
  let rest: Rest
  let output: string
  let ids: { stopped: string; cancelled: string; failed: string }

  beforeAll(async () => {
    rest = await startRest()
    const [stopped, cancelled] = [await rest.cluster.run(endless), await rest.cluster.run(endless)]
    const failed = await rest.cluster.run((env) => {
      env.fromSequence(1, 10).map(() => {
        throw new Error('no such number')
      })
    })
    await failed.result.catch(() => undefined)
    await eventually(
      async () => [...stopped.archive().vertices, ...cancelled.archive().vertices],
      (vertices) =>
        vertices.every((subtasks) => subtasks.every(({ current }) => current.state === 'RUNNING' && current.rates !== undefined)),
    )
    await stopped.triggerCheckpoint()
    await stopped.triggerSavepoint()
    ids = { stopped: stopped.jobId, cancelled: cancelled.jobId, failed: failed.jobId }
    const folder = mkdtempSync(join(tmpdir(), 'headrace-java-'))
    const classes = join(folder, 'classes.txt')
    writeFileSync(
      classes,
      classesOf(ids, stopped.archive().jobGraph.vertices[1]!.vertexId)
        .map((line) => line.join(' '))
        .join('\n'),
    )
    const source = fileURLToPath(new URL('FlinkClient.java', import.meta.url))
    const commands = [
      ...[
        'list,-a',
        `savepoint,${ids.stopped},/of-flink`,
        `checkpoint,${ids.stopped}`,
        `stop,-p,/stopped,${ids.stopped}`,
        `cancel,${ids.cancelled}`,
      ],
      ...[`cancel,${'f'.repeat(32)}`, `savepoint,${ids.failed},/of-flink`, 'savepoint,-d,/nowhere', 'list,-a'],
    ]
    const run = await promisify(execFile)('java', ['-cp', `${flink}/*`, source, String(rest.server.port), classes, ...commands], {
      maxBuffer: 1 << 24,
    })
    output = run.stdout
  })
  afterAll(() => rest.end())

  const said = (command: string): string => output.split(/^RAN /m).find((part) => part.startsWith(`${command} -> `)) ?? 'it was not run'

  it('reads every body into its own classes', () => {
    const read = output.split('\n').filter((line) => line.startsWith('READ '))
    expect(read.length).toBeGreaterThan(35)
    expect(read.filter((line) => !line.endsWith(' ok'))).toEqual([])
  })

  it('lists jobs', () => {
    const listed = said('list,-a')
    expect(listed).toMatch(/-> 0\n/)
    for (const [id, state] of [
      [ids.stopped, 'RUNNING'],
      [ids.cancelled, 'RUNNING'],
      [ids.failed, 'FAILED'],
    ])
      expect(listed).toMatch(new RegExp(`${id} : headrace job \\(${state}\\)`))
  })

  it('takes savepoints and checkpoints, stops and cancels', () => {
    expect(said(`savepoint,${ids.stopped},/of-flink`)).toMatch(/-> 0\n[\s\S]*Savepoint completed. Path: \/of-flink\/savepoint-/)
    expect(said(`checkpoint,${ids.stopped}`)).toMatch(/-> 0\n[\s\S]*Checkpoint \d+ for job .* completed/)
    expect(said(`stop,-p,/stopped,${ids.stopped}`)).toMatch(/-> 0\n[\s\S]*Savepoint completed. Path: \/stopped\/savepoint-/)
    expect(said(`cancel,${ids.cancelled}`)).toMatch(/-> 0\n[\s\S]*Cancelled job/)
  })

  it('is told in our words what went wrong', () => {
    expect(said(`cancel,${'f'.repeat(32)}`)).toMatch(/-> 1\n[\s\S]*Job f{32} not found/)
    expect(said(`savepoint,${ids.failed},/of-flink`)).toMatch(/-> 1\n[\s\S]*CHECKPOINT_DECLINED: .*it has ended/)
    expect(said('savepoint,-d,/nowhere')).toMatch(/-> 1\n[\s\S]*There is no savepoint at \/nowhere/)
    expect(output).toMatch(/^REFUSED [\s\S]*has no JVM and cannot run a Java job graph/m)
  })
})

function classesOf({ stopped, failed }: { stopped: string; failed: string }, vertexId: string): readonly (readonly string[])[] {
  const [job, web, legacy] = [
    (name: string) => `org.apache.flink.runtime.rest.messages.${name}`,
    (name: string) => `org.apache.flink.runtime.messages.webmonitor.${name}`,
    'org.apache.flink.runtime.rest.handler.legacy.messages.ClusterOverviewWithVersion',
  ]
  const [j, f, v, tm] = [
    `/jobs/${stopped}`,
    `/jobs/${failed}`,
    `/jobs/${stopped}/vertices/${vertexId}`,
    `/taskmanagers/${location.taskManagerId}`,
  ]
  const [metrics, aggregated] = [job('job.metrics.MetricCollectionResponseBody'), job('job.metrics.AggregatedMetricsResponseBody')]
  return [
    ...[
      ['/overview', legacy],
      ['/config', job('DashboardConfiguration')],
      ['/jobs', web('JobIdsWithStatusOverview')],
    ],
    ...[
      ['/jobs/overview', web('MultipleJobsDetails')],
      ['/applications/overview', web('MultipleApplicationsDetails')],
    ],
    ...[
      [`/applications/${failed}`, web('ApplicationDetailsInfo')],
      [`/applications/${failed}/exceptions`, job('ApplicationExceptionsInfoWithHistory')],
    ],
    ...[
      [j, job('job.JobDetailsInfo')],
      [f, job('job.JobDetailsInfo')],
      [`${j}/plan`, job('JobPlanInfo')],
      [`${j}/config`, job('JobConfigInfo')],
    ],
    ...[
      [`${j}/status`, web('JobStatusInfo')],
      [`${f}/exceptions`, job('JobExceptionsInfoWithHistory')],
      [`${j}/accumulators`, job('JobAccumulatorsInfo')],
    ],
    ...[j, f].map((each) => [`${each}/execution-result`, job('job.JobExecutionResultResponseBody')]),
    ...[
      [`${j}/checkpoints`, job('checkpoints.CheckpointingStatistics')],
      [`${j}/checkpoints/config`, job('checkpoints.CheckpointConfigInfo')],
    ],
    [`${j}/checkpoints/details/1`, job('checkpoints.CheckpointStatistics')],
    [`${j}/checkpoints/details/1/subtasks/${vertexId}`, job('checkpoints.TaskCheckpointStatisticsWithSubtaskDetails')],
    ...[
      [v, job('JobVertexDetailsInfo')],
      [`${v}/taskmanagers`, job('JobVertexTaskManagersInfo')],
      [`${v}/subtasktimes`, job('SubtasksTimesInfo')],
    ],
    ...[
      [`${v}/backpressure`, job('JobVertexBackPressureInfo')],
      [`${v}/accumulators`, job('JobVertexAccumulatorsInfo')],
    ],
    [`${v}/subtasks/accumulators`, job('job.SubtasksAllAccumulatorsInfo')],
    ...['', '/attempts/0'].map((each) => [`${v}/subtasks/0${each}`, job('job.SubtaskExecutionAttemptDetailsInfo')]),
    [`${v}/subtasks/0/attempts/0/accumulators`, job('job.SubtaskExecutionAttemptAccumulatorsInfo')],
    ...['metrics', 'metrics?get=0.numRecordsIn', 'watermarks', 'subtasks/1/metrics'].map((each) => [`${v}/${each}`, metrics]),
    ...[
      [`${v}/subtasks/metrics?get=numRecordsIn&agg=max,skew`, aggregated],
      [`/jobs/metrics?get=uptime`, aggregated],
      [`${j}/metrics`, metrics],
    ],
    ...[[`${v}/flamegraph`, 'org.apache.flink.runtime.webmonitor.threadinfo.VertexFlameGraph']],
    ...[
      [`${j}/resource-requirements`, job('job.JobResourceRequirementsBody')],
      [`${j}/jobmanager/log-url`, job('LogUrlResponse')],
    ],
    ...[
      ['/taskmanagers', job('taskmanager.TaskManagersInfo')],
      [tm, job('taskmanager.TaskManagerDetailsInfo')],
      [`${tm}/logs`, job('LogListInfo')],
    ],
    ...[
      ['/jobmanager/environment', job('EnvironmentInfo')],
      ['/jobmanager/config', job('ConfigurationInfo')],
      ['/jobmanager/metrics', metrics],
    ],
    ...[
      ['/jobmanager/thread-dump', job('ThreadDumpInfo')],
      ['/datasets', job('dataset.ClusterDataSetListResponseBody')],
    ],
  ]
}
