import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { StreamError } from '../../../src/base/core/stream-error.ts'
import { failureCause } from '../../../src/front/rest/failure-cause.ts'
import { serializedThrowable } from '../../../src/front/rest/serialized-throwable.ts'

describe('a throwable for Java', () => {
  it('is written byte for byte as before: Flink 2.3 has read this one', () => {
    const bytes = serializedThrowable({ className: 'C', message: 'é\0€', trace: 'T' })
    expect(Buffer.from(bytes).toString('latin1')).toBe(
      [
        '\xac\xed\x00\x05s',
        'r\x00)org.apache.flink.util.SerializedThrowable\x65\x16\x9d\xf5\x1f\xa7\x13\xf3\x02\x00\x03',
        'L\x00\x19fullStringifiedStackTracet\x00\x12Ljava/lang/String;L\x00\x16originalErrorClassNamet\x00\x12Ljava/lang/String;',
        '[\x00\x13serializedExceptiont\x00\x02[Bx',
        'r\x00\x13java.lang.Exception\xd0\xfd\x1f\x3e\x1a\x3b\x1c\xc4\x02\x00\x00x',
        'r\x00\x13java.lang.Throwable\xd5\xc6\x35\x27\x39\x77\xb8\xcb\x03\x00\x04',
        'L\x00\x05causet\x00\x15Ljava/lang/Throwable;L\x00\x0ddetailMessaget\x00\x12Ljava/lang/String;',
        '[\x00\nstackTracet\x00\x1e[Ljava/lang/StackTraceElement;L\x00\x14suppressedExceptionst\x00\x10Ljava/util/List;xp',
        'pt\x00\x0aC: \xc3\xa9\xc0\x80\xe2\x82\xacppx',
        't\x00\x01Tt\x00\x01Cp',
      ].join(''),
    )
  })

  it('carries the trace with hint and causes', () => {
    const cause = new StreamError('IO_FAILED', 'disk', { cause: new TypeError('inner') })
    const { class: name, 'stack-trace': trace } = failureCause(
      new StreamError('CHECKPOINT_FAILED', 'too slow', { hint: 'wait\nlonger', cause }),
    )
    expect(name).toBe('headrace.StreamError.CHECKPOINT_FAILED')
    expect(trace).toMatch(
      /^headrace\.StreamError\.CHECKPOINT_FAILED: too slow\n {4}\(wait longer\)\n {4}at [\s\S]*Caused by: headrace\.StreamError\.IO_FAILED: disk\n[\s\S]*Caused by: TypeError: inner/,
    )
  })
})

const flink = fileURLToPath(new URL('../../../native-free-bench/peers/flink/target/lib', import.meta.url))

/** Where Flink has been built beside the benchmarks, its own class reads it. */
const isThere = existsSync(flink) && readdirSync(flink).some((jar) => jar.startsWith('flink-core-'))
if (!isThere)
  console.log(`skipped: Flink's classes are not in ${flink}; npm run bench -- --peer flink builds them, where Java and Maven are`)

describe.runIf(isThere)("Flink's own class", () => {
  it('reads it, of any length, with any characters', () => {
    const folder = mkdtempSync(join(tmpdir(), 'headrace-java-'))
    const trace = `headrace: "ä\0€😀"\n${'x'.repeat(100_000)}`
    writeFileSync(join(folder, 't.bin'), serializedThrowable({ className: 'some.Class', message: 'no field', trace }))
    writeFileSync(
      join(folder, 'Read.java'),
      `import java.nio.file.*; import java.util.Base64; import org.apache.flink.util.*;
       public class Read { public static void main(String[] a) throws Exception {
         SerializedThrowable t = InstantiationUtil.deserializeObject(Files.readAllBytes(Path.of(a[0])), Read.class.getClassLoader());
         t.addSuppressed(new Exception());
         System.out.println(t.getMessage() + "|" + t.getOriginalErrorClassName() + "|" + (t.deserializeError(Read.class.getClassLoader()) == t));
         System.out.print(Base64.getEncoder().encodeToString(t.getFullStringifiedStackTrace().getBytes("UTF-8"))); } }`,
    )
    const output = execFileSync('java', ['-cp', `${flink}/*`, join(folder, 'Read.java'), join(folder, 't.bin')], { encoding: 'utf8' })
    const [line, encoded] = output.split('\n')
    expect(line).toBe('some.Class: no field|some.Class|true')
    expect(Buffer.from(encoded!, 'base64').toString('utf8')).toBe(trace)
  })
})
