/**
 * Every configuration key that headrace knows, with Flink's names and, unless its documentation says otherwise, Flink's
 * defaults. A key that is not here is an error: a typo never passes for a setting. Durations are in ms, sizes in bytes.
 */
import { bool, type ConfigOption, decimal, duration, int, map, oneOf, size, text } from './config-type.ts'

const kb = 1024
const mb = 1024 * kb
const second = 1000
const minute = 60 * second

export const configTable = {
  // Jobs
  'parallelism.default': int(1, 'Parallelism of operators that set none. `headrace run` sets it to the number of cores.', {
    min: 1,
    max: 32768,
  }),
  'pipeline.max-parallelism': int(-1, 'Number of key groups; -1 derives it from the parallelism (at least 128).', { min: -1, max: 32768 }),
  'pipeline.name': text(undefined, 'Name of the job.'),
  'pipeline.auto-watermark-interval': duration(
    200,
    'How often watermark generators are asked for a watermark; at the latest every 65,536 rows. 0: never.',
  ),
  'pipeline.auto-generate-uids': bool(true, 'false refuses a program with an operator that has no uid.'),
  'pipeline.operator-chaining.enabled': bool(true, 'Whether operators may share a task.'),
  'pipeline.jobvertex-parallelism-overrides': map('Parallelism by vertex id, over what the program says.'),
  'pipeline.object-reuse': bool(false, 'Accepted for compatibility: records are always fresh objects.'),
  'pipeline.global-job-parameters': map('Parameters that every function can read.'),
  'execution.runtime-mode': oneOf(['STREAMING', 'BATCH', 'AUTOMATIC'], 'STREAMING', 'How bounded input is run.'),
  'execution.buffer-timeout.interval': duration(
    100,
    'Longest time a record waits in an open batch; 0 sends after each input batch, -1 only full ones.',
    { min: -1 },
  ),
  'execution.buffer-timeout.enabled': bool(true, 'false sends full batches only.'),
  'execution.target': text(undefined, 'Where the job runs; local when unset.'),
  'execution.attached': bool(false, 'Whether the client waits for the job.'),
  'execution.shutdown-on-application-finish': bool(true, 'Whether an application cluster ends with its job.'),

  // headrace's own
  'job-process.main-timeout': duration(
    minute,
    'How long main of a submitted program may take while no job of it runs, and its process to answer while one does.',
    { min: 1 },
  ),
  'job-process.heap-size': size(512 * mb, 'Heap of the process that runs main of a submitted program, and the enumerators of its sources.'),
  'job-process.package-size': size(64 * mb, 'Largest bundle of a submitted program.'),
  'execution.local.mode': oneOf(
    ['threads', 'inline'],
    'threads',
    'Local execution: a worker thread per slot, or everything in the calling thread.',
  ),
  'execution.codegen': bool(true, 'Generated code for chains; false runs the same operators interpreted.'),
  'execution.check-mutation': bool(undefined, 'Freeze rows so that changing an emitted one fails; unset: in inline mode only.'),
  'execution.max-record-size': size(256 * mb, 'Largest record that passes between tasks.'),
  'execution.max-output-overdraft': size(
    256 * mb,
    'What one call of a user function may emit beyond its full output before the job fails.',
  ),
  'task.cancellation.timeout': duration(3 * minute, 'After this a task that does not stop is killed with its thread; 0 never kills.'),
  'task.cancellation.interval': duration(30 * second, 'Time between attempts to cancel a task.'),

  // Checkpoints and recovery
  'execution.checkpointing.interval': duration(undefined, 'Time between checkpoints; unset: none.', { min: 10 }),
  'execution.checkpointing.mode': oneOf(['EXACTLY_ONCE', 'AT_LEAST_ONCE'], 'EXACTLY_ONCE', 'Whether barriers are aligned.'),
  'execution.checkpointing.timeout': duration(10 * minute, 'A checkpoint that takes longer is given up.', { min: 10 }),
  'execution.checkpointing.min-pause': duration(0, 'Least time between the end of a checkpoint and the next.'),
  'execution.checkpointing.max-concurrent-checkpoints': int(1, 'Checkpoints in flight at a time.', { min: 1 }),
  'execution.checkpointing.tolerable-failed-checkpoints': int(0, 'Failed checkpoints in a row before the job fails.', { min: 0 }),
  'execution.checkpointing.externalized-checkpoint-retention': oneOf(
    ['NO_EXTERNALIZED_CHECKPOINTS', 'RETAIN_ON_CANCELLATION', 'DELETE_ON_CANCELLATION'],
    'NO_EXTERNALIZED_CHECKPOINTS',
    'What becomes of the latest checkpoint when the job is cancelled.',
  ),
  'execution.checkpointing.num-retained': int(1, 'Completed checkpoints kept.', { min: 1 }),
  'execution.checkpointing.dir': text(undefined, 'Folder of checkpoints.'),
  'execution.checkpointing.savepoint-dir': text(undefined, 'Default folder of savepoints.'),
  'execution.checkpointing.storage': oneOf(
    ['jobmanager', 'filesystem'],
    undefined,
    'Where checkpoints are kept: jobmanager is a temporary folder that goes with the job; unset: execution.checkpointing.dir if that is set, else jobmanager.',
  ),
  'execution.checkpointing.incremental': bool(false, 'Whether a checkpoint may refer to files of earlier ones.'),
  'execution.checkpointing.unaligned.enabled': bool(false, 'Whether barriers may overtake data.'),
  'execution.checkpointing.aligned-checkpoint-timeout': duration(0, 'How long an unaligned checkpoint is tried aligned first.'),
  'execution.checkpointing.local-backup.enabled': bool(false, 'Whether TaskManagers keep a local copy of state.'),
  'execution.checkpointing.data-inline-threshold': size(20 * kb, 'State smaller than this is kept in the metadata file.'),
  'execution.checkpointing.interval-during-backlog': duration(undefined, 'Checkpoint interval while a source works off a backlog.'),
  'execution.checkpointing.checkpoints-after-tasks-finish': bool(true, 'Whether checkpoints go on after some tasks finished.'),
  'execution.state-recovery.path': text(
    undefined,
    'Savepoint or checkpoint to start from; latest: the newest checkpoint of a job of this name in execution.checkpointing.dir.',
  ),
  'execution.state-recovery.claim-mode': oneOf(['NO_CLAIM', 'CLAIM'], 'NO_CLAIM', 'Who owns the snapshot that a job started from.'),
  'execution.state-recovery.ignore-unclaimed-state': bool(false, 'Whether state of operators that are gone may be dropped.'),
  'execution.state-recovery.from-local': bool(false, 'Whether recovery reads local copies.'),
  'state.backend.type': oneOf(['hashmap'], 'hashmap', 'Where keyed state lives.'),
  'state.changelog.enabled': bool(false, 'Whether state changes are logged between checkpoints.'),
  'restart-strategy.type': oneOf(
    ['none', 'fixed-delay', 'failure-rate', 'exponential-delay'],
    undefined,
    'Unset: exponential-delay with checkpoints, else none.',
  ),
  'restart-strategy.fixed-delay.attempts': int(1, 'Restarts before the job fails.', { min: 0 }),
  'restart-strategy.fixed-delay.delay': duration(second, 'Pause before a restart.'),
  'restart-strategy.exponential-delay.initial-backoff': duration(second, 'First pause.', { min: 1 }),
  'restart-strategy.exponential-delay.max-backoff': duration(minute, 'Longest pause.', { min: 1 }),
  'restart-strategy.exponential-delay.backoff-multiplier': decimal(1.5, 'Growth of the pause.', { min: 1 }),
  'restart-strategy.exponential-delay.reset-backoff-threshold': duration(
    60 * minute,
    'Time without failure after which the pause is the first one again.',
  ),
  'restart-strategy.exponential-delay.jitter-factor': decimal(0.1, 'Random part of the pause.', { min: 0, max: 1 }),
  'restart-strategy.exponential-delay.attempts-before-reset-backoff': int(-1, 'Restarts before the job fails; -1: any number.', {
    min: -1,
  }),
  'restart-strategy.failure-rate.max-failures-per-interval': int(1, 'Failures in one interval before the job fails.', { min: 1 }),
  'restart-strategy.failure-rate.failure-rate-interval': duration(minute, 'The interval.'),
  'restart-strategy.failure-rate.delay': duration(second, 'Pause before a restart.'),
  'jobmanager.execution.failover-strategy': oneOf(['region', 'full'], 'region', 'What is restarted after a failure.'),
  'jobmanager.scheduler': oneOf(['Default', 'Adaptive'], 'Default', 'Accepted for compatibility: there is one scheduler.'),

  // Processes and memory
  'taskmanager.numberOfTaskSlots': int(1, 'Slots of a TaskManager, each a thread.', { min: 1 }),
  'taskmanager.host': text(undefined, 'Address that others reach this TaskManager at.'),
  'taskmanager.bind-host': text(undefined, 'Address that it listens on.'),
  'taskmanager.rpc.port': text('0', 'Port, or a range such as 50100-50200.'),
  'taskmanager.data.port': int(0, 'Port of the data connections; 0: any.', { min: 0, max: 65535 }),
  'taskmanager.memory.process.size': size(undefined, 'Memory of a TaskManager process.'),
  'taskmanager.memory.task.heap.size': size(undefined, 'Heap of one task thread, for user functions and rows; unset: what V8 chooses.'),
  'taskmanager.memory.managed.fraction': decimal(0.4, 'Part of the memory for typed state.', { min: 0, max: 1 }),
  'taskmanager.memory.managed.size': size(undefined, 'Memory for typed state.'),
  'taskmanager.memory.network.fraction': decimal(0.1, 'Part of the memory for channels.', { min: 0, max: 1 }),
  'taskmanager.memory.network.min': size(64 * mb, 'Least memory for channels.'),
  'taskmanager.memory.network.max': size(Number.MAX_SAFE_INTEGER, 'Most memory for channels.'),
  'taskmanager.memory.segment-size': size(128 * kb, 'Size of one segment of a channel (Flink: 32 kb).'),
  'taskmanager.network.memory.buffer-debloat.enabled': bool(false, 'Whether segments in flight adapt to the throughput.'),
  'taskmanager.load-balance.mode': oneOf(['NONE', 'SLOTS', 'TASKS'], 'NONE', 'How slots are spread over TaskManagers.'),
  'taskmanager.slot.timeout': duration(10 * second, 'How long slots stay reserved for a lost JobMaster.'),
  'jobmanager.memory.process.size': size(undefined, 'Memory of the JobManager process.'),
  'jobmanager.bind-host': text(undefined, 'Address that the JobManager listens on; unset: 127.0.0.1.'),
  'jobmanager.rpc.address': text(undefined, 'Address of the JobManager.'),
  'jobmanager.rpc.port': int(6123, 'Port of the JobManager.', { min: 0, max: 65535 }),
  'jobmanager.archive.fs.dir': text(undefined, 'Folder of archives of finished jobs.'),
  'jobmanager.adaptive-scheduler.resource-wait-timeout': duration(5 * minute, 'Longest wait for slots before a job starts with fewer.'),
  'jobmanager.adaptive-scheduler.resource-stabilization-timeout': duration(
    10 * second,
    'Wait for more slots once enough to start are there.',
  ),
  'heartbeat.interval': duration(second, 'Time between heartbeats (Flink: 10 s).', { min: 1 }),
  'heartbeat.timeout': duration(5 * second, 'Silence after which a peer is lost (Flink: 50 s).', { min: 1 }),
  'heartbeat.rpc-failure-threshold': int(2, 'Failed calls in a row after which a peer is lost; -1: never.', { min: -1 }),
  'slot.idle.timeout': duration(50 * second, 'Time after which an unused slot is given back.'),
  'slot.request.timeout': duration(5 * minute, 'Longest wait for a slot.'),
  'slotmanager.number-of-slots.max': int(2 ** 31 - 1, 'Most slots of a cluster.', { min: 0 }),
  'resourcemanager.taskmanager-timeout': duration(30 * second, 'Time after which an idle TaskManager is released.'),
  'resourcemanager.job.timeout': duration(5 * minute, 'How long a job without JobMaster is kept.'),
  'io.tmp.dirs': text(undefined, 'Folder of temporary files; unset: that of the system.'),
  'fs.default-scheme': text(undefined, 'File system of paths without a scheme.'),
  's3.endpoint': text(undefined, 'Address of the S3 service.'),
  's3.access-key': text(undefined, 'Access key.'),
  's3.secret-key': text(undefined, 'Secret key.'),
  's3.path.style.access': bool(false, 'Whether the bucket is part of the path.'),

  // Clusters
  'high-availability.type': oneOf(['NONE', 'zookeeper', 'kubernetes'], 'NONE', 'Who elects leaders and keeps pointers.'),
  'high-availability.storageDir': text(undefined, 'Folder of what the pointers point to.'),
  'high-availability.cluster-id': text('/default', 'Name of this cluster.'),
  'high-availability.zookeeper.quorum': text(undefined, 'Addresses of ZooKeeper.'),
  'high-availability.zookeeper.path.root': text('/flink', 'Root node.'),
  'high-availability.zookeeper.client.session-timeout': duration(minute, 'Session timeout.'),
  'high-availability.zookeeper.client.connection-timeout': duration(15 * second, 'Connection timeout.'),
  'high-availability.zookeeper.client.tolerate-suspended-connections': bool(false, 'Whether a suspended connection keeps leadership.'),
  'kubernetes.cluster-id': text(undefined, 'Name of the cluster.'),
  'kubernetes.namespace': text('default', 'Namespace.'),
  'yarn.application.name': text(undefined, 'Name of the application.'),
  'yarn.application.queue': text(undefined, 'Queue.'),
  'yarn.application-attempts': int(undefined, 'Attempts of the application master.', { min: 1 }),
  'security.ssl.internal.enabled': bool(false, 'TLS between processes.'),
  'security.ssl.internal.certificate': text(undefined, 'PEM file: the certificate of this process.'),
  'security.ssl.internal.key': text(undefined, 'PEM file: the private key of that certificate.'),
  'security.ssl.internal.authority': text(undefined, 'PEM file: who signs the certificates of all processes.'),
  'security.ssl.rest.enabled': bool(false, 'TLS of REST.'),
  'security.ssl.rest.certificate': text(undefined, 'PEM file: the certificate of REST.'),
  'security.ssl.rest.key': text(undefined, 'PEM file: the private key of that certificate.'),
  'security.deploy-token': text(undefined, 'Secret that all processes of a cluster share; needed on addresses that other machines reach.'),
  'security.kerberos.login.keytab': text(undefined, 'Keytab file.'),
  'security.kerberos.login.principal': text(undefined, 'Principal.'),

  // Web, metrics, logs
  'rest.address': text(undefined, 'Address that clients use.'),
  'rest.port': int(8081, 'Port that clients use.', { min: 0, max: 65535 }),
  'rest.bind-address': text(undefined, 'Address that the server listens on.'),
  'rest.bind-port': text('8081', 'Port, or a range, that the server listens on.'),
  'rest.flamegraph.enabled': bool(false, 'Flame graphs in the web page.'),
  'rest.profiling.enabled': bool(false, 'The profiler in the web page.'),
  'web.submit.enable': bool(true, 'Whether jobs can be submitted from the web page.'),
  'web.cancel.enable': bool(true, 'Whether jobs can be cancelled from the web page.'),
  'web.rescale.enable': bool(true, 'Whether jobs can be rescaled from the web page.'),
  'web.checkpoints.history': int(10, 'Checkpoints shown.', { min: 0 }),
  'web.refresh-interval': duration(3 * second, 'Refresh of the web page.'),
  'web.upload.dir': text(undefined, 'Folder of uploads.'),
  'blob.server.port': text('0', 'Port, or a range.'),
  'blob.service.cleanup.interval': int(3600, 'Seconds between clean-ups.', { min: 1 }),
  'historyserver.archive.fs.dir': text(undefined, 'Folders that the history server reads.'),
  'historyserver.web.port': int(8082, 'Its port.', { min: 0, max: 65535 }),
  'metrics.reporters': text(undefined, 'Names of the reporters in use.'),
  'metrics.latency.interval': duration(0, 'Time between latency markers; 0: none.'),
  'env.log.level': oneOf(['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'OFF'], 'INFO', 'Level of the log.'),
  'env.log.dir': text(undefined, 'Folder of the logs.'),
} as const satisfies Readonly<Record<string, ConfigOption<any>>>

/** Families of keys with a name chosen by the user in them. */
export const openKeys: readonly RegExp[] = [/^metrics\.reporter\.[^.]+\..+$/, /^s3\.entropy\..+$/]

/** Keys that only make sense for a JVM: taken and left alone, so that a Flink configuration file can be reused. */
export const jvmOnlyKeys: readonly RegExp[] = [
  /^env\.java\./,
  /^classloader\./,
  /^(akka|pekko)\./,
  /^(task|job)manager\.memory\.(jvm-metaspace|jvm-overhead|off-heap|heap|flink|framework|task\.off-heap)\./,
  /^pipeline\.(generic-types|default-kryo-serializers|registered-|force-avro|force-kryo|serialization-config|classpaths|jars)/,
  /^state\.backend\.rocksdb\./,
  /^yarn\.classpath\./,
]

/** Keys of the table that nothing acts upon yet: setting one is answered with a warning, never silently. */
export const idleKeys: readonly RegExp[] = [
  /^execution\.checkpointing\.(incremental|unaligned|aligned-checkpoint-timeout|local-backup|data-inline-threshold|interval-during-backlog)\b/,
  /^execution\.state-recovery\.from-local$/,
  /^execution\.(runtime-mode|target|attached|shutdown-on-application-finish)$/,
  /^(state|high-availability|heartbeat|slot|slotmanager|resourcemanager|historyserver|blob|kubernetes|yarn|security|s3|fs|rest|metrics)\./,
  /^web\.(?!checkpoints\.history$)/,
  /^jobmanager\.(?!execution\.failover-strategy$)/,
  /^pipeline\.(jobvertex-parallelism-overrides|object-reuse|global-job-parameters)$/,
  /^execution\.check-mutation$/,
  /^task\.cancellation\.interval$/,
  /^taskmanager\.(host|bind-host|rpc|data|load-balance|slot|numberOfTaskSlots)\b/,
  /^taskmanager\.memory\.(process|managed|network\.fraction|network\.min)\b/,
  /^taskmanager\.network\.memory\.buffer-debloat/,
  /^env\.log\./,
]

/** Names that Flink gave up, and what they are called now. */
export const renamedKeys: Readonly<Record<string, string>> = {
  'state.backend': 'state.backend.type',
  'state.checkpoints.dir': 'execution.checkpointing.dir',
  'state.savepoints.dir': 'execution.checkpointing.savepoint-dir',
  'state.checkpoint-storage': 'execution.checkpointing.storage',
  'state.checkpoints.num-retained': 'execution.checkpointing.num-retained',
  'state.backend.incremental': 'execution.checkpointing.incremental',
  'restart-strategy': 'restart-strategy.type',
  'execution.buffer-timeout': 'execution.buffer-timeout.interval',
  'execution.savepoint.path': 'execution.state-recovery.path',
  'high-availability': 'high-availability.type',
  'pipeline.operator-chaining': 'pipeline.operator-chaining.enabled',
  'jobmanager.rpc.host': 'jobmanager.rpc.address',
}
